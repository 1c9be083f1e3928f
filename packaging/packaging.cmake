# What is installed, and the package that `cpack -G DEB` makes of it.
set(doc_directory ${CMAKE_INSTALL_DATAROOTDIR}/doc/patroni-pgbackrest)
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                                WORLD_READ WORLD_EXECUTE)

# The man page and the completion come from the tables that --help comes from.
add_executable(make_documents packaging/make_documents.cpp)
target_link_libraries(make_documents PRIVATE commands)
set(documents ${CMAKE_CURRENT_BINARY_DIR}/documents)
file(MAKE_DIRECTORY ${documents})
set(manual_page ${documents}/patroni_pgbackrest.1)
set(completion ${documents}/patroni_pgbackrest.bash)
find_program(GZIP_PROGRAM gzip)
if(GZIP_PROGRAM)
  # Without name and time: the same page makes the same file.
  set(installed_page ${manual_page}.gz)
  set(compress COMMAND ${GZIP_PROGRAM} -9nkf ${manual_page})
else()
  set(installed_page ${manual_page})
endif()
add_custom_command(
  OUTPUT ${manual_page} ${completion} ${installed_page}
  COMMAND make_documents --build ${documents} ${compress}
  DEPENDS make_documents
  COMMENT "Making the man page and the bash completion")
add_custom_target(documents ALL DEPENDS ${manual_page} ${completion} ${installed_page})
if(PATRONI_PGBACKREST_TESTS)
  add_test(NAME documents COMMAND make_documents --check ${CMAKE_CURRENT_SOURCE_DIR}/docs)
endif()

install(TARGETS patroni_pgbackrest RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${installed_page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${completion} RENAME patroni_pgbackrest
        DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/bash-completion/completions)
install(FILES README.md README.zh-CN.md CHANGELOG.md CONTRIBUTING.md DESTINATION ${doc_directory})
install(FILES LICENSE RENAME copyright DESTINATION ${doc_directory})
install(DIRECTORY docs DESTINATION ${doc_directory})
# demo.sh builds the program from its sources, so it stays with them.
install(FILES examples/patroni.yml examples/patroni-recovery-conf.yml examples/patroni.service.d.conf
        DESTINATION ${doc_directory}/examples)
install(PROGRAMS examples/container-entrypoint.sh DESTINATION ${doc_directory}/examples)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME patroni-pgbackrest)
set(CPACK_PACKAGE_VENDOR "patroni_pgbackrest contributors")
set(CPACK_PACKAGE_CONTACT "patroni_pgbackrest contributors <maintainers@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "bring lost Patroni clusters back from pgBackRest backups")
set(CPACK_PACKAGE_DESCRIPTION
    "Patroni calls patroni_pgbackrest as bootstrap.method. It restores a backup
with pgBackRest into a staging directory, has the WAL replayed to the
target that was asked for, proves that the target was reached, and puts the
result in place. Whatever is interrupted, missing or misconfigured ends in
the right data or in a refusal that says what to do.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS ${CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS})
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "patroni, pgbackrest")
# The libraries' own packages are asked for what the binary needs; a static one needs nothing.
find_program(DPKG_SHLIBDEPS dpkg-shlibdeps)
if(DPKG_SHLIBDEPS AND NOT PATRONI_PGBACKREST_STATIC)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
elseif(NOT PATRONI_PGBACKREST_STATIC)
  message(STATUS "dpkg-shlibdeps is not there: the Debian package will not name the libraries that it needs")
endif()
include(CPack)
