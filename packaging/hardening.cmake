# What distributions ask of a program that they ship: a stack protector, checked buffer functions, an address that
# differs with each start, and tables that are read-only once it runs. Where the compiler has them, and only in builds
# that optimise (without that, _FORTIFY_SOURCE does nothing); build type None leaves the flags to the packager.
include(CheckCXXCompilerFlag)
include(CheckLinkerFlag)

if(PATRONI_PGBACKREST_SANITIZE) # which looks closer, and is in the way of this
  return()
endif()
set(optimised $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)

check_cxx_compiler_flag(-fstack-protector-strong HAS_STACK_PROTECTOR)
if(HAS_STACK_PROTECTOR)
  target_compile_options(settings INTERFACE $<${optimised}:-fstack-protector-strong>)
endif()
if(NOT CMAKE_CXX_FLAGS MATCHES _FORTIFY_SOURCE)
  # Some compilers come with a value of their own.
  target_compile_options(settings INTERFACE $<${optimised}:-U_FORTIFY_SOURCE> $<${optimised}:-D_FORTIFY_SOURCE=2>)
endif()
check_linker_flag(CXX -Wl,-z,relro,-z,now HAS_RELRO)
if(HAS_RELRO)
  target_link_options(settings INTERFACE $<${optimised}:-Wl,-z,relro,-z,now>)
endif()
# A static binary would need -static-pie, and a C library that was built for it.
check_linker_flag(CXX -pie HAS_PIE)
if(HAS_PIE AND NOT PATRONI_PGBACKREST_STATIC)
  target_compile_options(settings INTERFACE $<${optimised}:-fPIE>)
  target_link_options(settings INTERFACE $<${optimised}:-pie>)
endif()
