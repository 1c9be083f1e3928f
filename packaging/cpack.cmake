# What cpack reads before it makes a package: without these programs it would leave Depends out, and say so in a line
# that nobody reads.
if(CPACK_GENERATOR STREQUAL "DEB" AND CPACK_DEBIAN_PACKAGE_SHLIBDEPS)
  foreach(name dpkg-shlibdeps file)
    find_program(PROGRAM_${name} ${name})
    if(NOT PROGRAM_${name})
      message(FATAL_ERROR "${name} is missing, which finds the libraries that the package depends on: "
                          "apt install dpkg-dev file, or build with -DPATRONI_PGBACKREST_STATIC=ON")
    endif()
  endforeach()
endif()
