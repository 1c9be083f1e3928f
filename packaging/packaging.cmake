# What is installed, and the package that `cpack -G DEB` makes of it.
set(doc_directory ${CMAKE_INSTALL_DATAROOTDIR}/doc/patroni-pgbackrest)
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                                WORLD_READ WORLD_EXECUTE)

# Whoever publishes packages gives both with -D; the project has no address of its own yet. A name under .invalid is
# one that nobody can have, and so no mail goes to a stranger (RFC 2606). Without a homepage the field is left out.
set(CPACK_PACKAGE_CONTACT "patroni_pgbackrest contributors <contributors@patroni-pgbackrest.invalid>"
    CACHE STRING "Who publishes the package: name and address")
set(CPACK_PACKAGE_HOMEPAGE_URL "" CACHE STRING "Where the package's project is found")

# The man page and the completion come from the tables that --help comes from.
add_library(packaging STATIC packaging/debian.cpp packaging/tables.cpp packaging/template.cpp)
target_include_directories(packaging PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(packaging PUBLIC commands)
add_executable(make_documents packaging/make_documents.cpp)
target_link_libraries(make_documents PRIVATE packaging)
set(documents ${CMAKE_CURRENT_BINARY_DIR}/documents)
file(MAKE_DIRECTORY ${documents})
set(made_documents ${documents}/patroni_pgbackrest.1 ${documents}/patroni_pgbackrest.bash ${documents}/changelog
                   ${documents}/copyright)
find_program(GZIP_PROGRAM gzip)
if(GZIP_PROGRAM)
  # Without name and time: the same page makes the same file.
  set(compress COMMAND ${GZIP_PROGRAM} -9nkf ${documents}/patroni_pgbackrest.1 ${documents}/changelog)
  set(suffix .gz)
  list(APPEND made_documents ${documents}/patroni_pgbackrest.1.gz ${documents}/changelog.gz)
endif()
file(GLOB templates CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/packaging/*.in)
add_custom_command(
  OUTPUT ${made_documents}
  COMMAND make_documents --build ${CMAKE_CURRENT_SOURCE_DIR} ${documents} ${CPACK_PACKAGE_CONTACT} ${compress}
  DEPENDS make_documents ${templates} CHANGELOG.md LICENSE
  COMMENT "Making the man page, the bash completion and Debian's documents"
  VERBATIM)
add_custom_target(documents ALL DEPENDS ${made_documents})
if(PATRONI_PGBACKREST_TESTS)
  add_test(NAME documents COMMAND make_documents --check ${CMAKE_CURRENT_SOURCE_DIR}/docs)
endif()

install(TARGETS patroni_pgbackrest RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${documents}/patroni_pgbackrest.1${suffix} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${documents}/patroni_pgbackrest.bash RENAME patroni_pgbackrest
        DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/bash-completion/completions)
install(FILES README.md README.zh-CN.md CONTRIBUTING.md ${documents}/changelog${suffix} ${documents}/copyright
        DESTINATION ${doc_directory})
install(DIRECTORY docs DESTINATION ${doc_directory})
# demo.sh builds the program from its sources, so it stays with them.
install(FILES examples/patroni.yml examples/patroni-recovery-conf.yml examples/patroni.service.d.conf examples/alerts.yml
              examples/grafana-dashboard.json
        DESTINATION ${doc_directory}/examples)
# Nothing enables the timer but a person.
install(FILES packaging/systemd/patroni_pgbackrest-rehearse.service packaging/systemd/patroni_pgbackrest-rehearse.timer
        DESTINATION lib/systemd/system)
install(PROGRAMS examples/container-entrypoint.sh DESTINATION ${doc_directory}/examples)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME patroni-pgbackrest)
set(CPACK_PACKAGE_VENDOR "patroni_pgbackrest contributors")
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
# dpkg-shlibdeps asks the libraries' own packages for what the binary needs; a static one needs nothing.
if(NOT PATRONI_PGBACKREST_STATIC)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
endif()
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_SOURCE_DIR}/packaging/cpack.cmake)
include(CPack)
