# What `cmake --install` lays down: the programs, and libchoregos with the headers that its users need.
#
# libchoregos is one shared library made of our folders. It exports the names of namespace choregos and nothing else: what
# it is made with (Asio, Boost.JSON, c-ares) neither has to be installed to use it nor clashes with the user's own copy.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

if(TARGET choregos_sdk)
  file(WRITE ${CMAKE_BINARY_DIR}/libchoregos.cpp "// libchoregos is made of the folders' own libraries; a target needs one source all the same.\n")
  add_library(libchoregos SHARED ${CMAKE_BINARY_DIR}/libchoregos.cpp)
  # Whole, because nothing inside refers to what only users call.
  target_link_options(libchoregos PRIVATE -Wl,--whole-archive
    $<TARGET_FILE:choregos_base> $<TARGET_FILE:choregos_model> $<TARGET_FILE:choregos_sdk> -Wl,--no-whole-archive)
  target_link_libraries(libchoregos PRIVATE choregos_sdk)
  target_link_options(libchoregos PRIVATE -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/libchoregos.map)
  set_property(TARGET libchoregos PROPERTY LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/libchoregos.map)
  set_target_properties(libchoregos PROPERTIES OUTPUT_NAME choregos EXPORT_NAME choregos
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  target_compile_features(libchoregos INTERFACE cxx_std_20)
  target_include_directories(libchoregos INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

  install(TARGETS libchoregos EXPORT choregos LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)
  install(EXPORT choregos NAMESPACE choregos:: FILE choregosTargets.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/choregos COMPONENT library)
  configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/choregosConfig.cmake.in ${CMAKE_BINARY_DIR}/choregosConfig.cmake
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/choregos)
  write_basic_package_version_file(${CMAKE_BINARY_DIR}/choregosConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_BINARY_DIR}/choregosConfig.cmake ${CMAKE_BINARY_DIR}/choregosConfigVersion.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/choregos COMPONENT library)

  # The nouns, and the four headers of the sdk; its other headers are its own business.
  foreach(folder IN ITEMS base model)
    install(DIRECTORY ${CMAKE_SOURCE_DIR}/choregos/${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/choregos COMPONENT library FILES_MATCHING PATTERN "*.hpp")
  endforeach()
  install(FILES choregos/sdk/agent_view.hpp choregos/sdk/announcer.hpp choregos/sdk/client.hpp choregos/sdk/discovery.hpp
    choregos/sdk/mirror.hpp choregos/sdk/watch.hpp
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/choregos/sdk COMPONENT library)
endif()

foreach(program IN ITEMS choregosd choregos choregos-agent)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT programs)
  endif()
endforeach()

# The command line writes its own completions, so that they are never older than it.
if(TARGET choregos)
  foreach(shell IN ITEMS bash:bash-completion/completions/choregos zsh:zsh/site-functions/_choregos fish:fish/vendor_completions.d/choregos.fish)
    string(REGEX MATCH "^([a-z]+):(.*)/([^/]+)$" unused ${shell})
    set(place "\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/${CMAKE_MATCH_2}")
    install(CODE "file(MAKE_DIRECTORY \"${place}\")
      execute_process(COMMAND \"$<TARGET_FILE:choregos>\" completion ${CMAKE_MATCH_1} OUTPUT_FILE \"${place}/${CMAKE_MATCH_3}\" COMMAND_ERROR_IS_FATAL ANY)" COMPONENT programs)
  endforeach()
endif()
if(EXISTS ${CMAKE_SOURCE_DIR}/deploy/choregosd.toml.example)
  install(FILES ${CMAKE_SOURCE_DIR}/deploy/choregosd.toml.example DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT programs)
endif()
install(PROGRAMS examples/agent_in_shell.sh examples/agent_in_python.py DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT programs)
install(FILES examples/announcer.cpp examples/client.cpp examples/discovery.cpp DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT library)
