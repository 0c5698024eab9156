# SPDX-License-Identifier: LGPL-2.1-or-later
# Install rules and Debian packages (scripts/package). Installed under /usr, everything finds its way without an environment variable:
#   LIBDIR/gstreamer-1.0/libgstliveedit.so      where GStreamer looks; opens the core in ../liveedit
#   LIBDIR/liveedit/libliveedit-core.so         RUNPATH $ORIGIN, so libtorch is taken from its own folder
#   LIBDIR/liveedit/libtorch*.so ...            the libraries of libtorch that the core needs, and no more
#   share/liveedit/models/sketchbook            the embedded model
#   LIBDIR/gstreamer-1.0/libgstliveeditstreaming.so   the serving elements; needs neither core nor libtorch
#   bin/liveedit-server, bin/liveedit-worker, share/liveedit/pipelines, lib/systemd/system/liveedit-server.service, /etc/liveedit/server.yaml
# Components: plugin, streaming, server, core (with the model), libtorch.

set(liveedit_library_folder ${CMAKE_INSTALL_LIBDIR}/liveedit)
set(CPACK_COMPONENTS_ALL plugin)
if(LIVEEDIT_STREAMING)
  list(APPEND CPACK_COMPONENTS_ALL streaming)
endif()

if(TARGET liveedit-server)
  list(APPEND CPACK_COMPONENTS_ALL server)
  install(TARGETS liveedit-server liveedit-worker RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT server)
  install(DIRECTORY server/pipelines DESTINATION ${CMAKE_INSTALL_DATADIR}/liveedit COMPONENT server)
  install(FILES packaging/liveedit-server.service DESTINATION lib/systemd/system COMPONENT server)
  install(FILES packaging/server.yaml DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/liveedit COMPONENT server)
endif()

if(LIVEEDIT_CORE)
  list(APPEND CPACK_COMPONENTS_ALL core libtorch)
  set_target_properties(liveedit-core PROPERTIES INSTALL_RPATH "$ORIGIN")
  install(TARGETS liveedit-core LIBRARY DESTINATION ${liveedit_library_folder} COMPONENT core)
  install(DIRECTORY models/silero-vad DESTINATION ${CMAKE_INSTALL_DATADIR}/liveedit/models COMPONENT core)
  install(DIRECTORY models/sketchbook DESTINATION ${CMAKE_INSTALL_DATADIR}/liveedit/models COMPONENT core
    PATTERN training EXCLUDE PATTERN __pycache__ EXCLUDE)

  # What the built core loads from libtorch's folder, and for a CUDA wheel from the NVIDIA packages beside it.
  get_filename_component(liveedit_torch_site ${TORCH_INSTALL_PREFIX} DIRECTORY)
  install(CODE "
    set(core \"$<TARGET_FILE:liveedit-core>\")
    set(folder \"\${CMAKE_INSTALL_PREFIX}/${liveedit_library_folder}\")
    set(origins \"^(${TORCH_INSTALL_PREFIX}|${liveedit_torch_site}/nvidia)/\")
    file(GET_RUNTIME_DEPENDENCIES LIBRARIES \"\${core}\" RESOLVED_DEPENDENCIES_VAR found UNRESOLVED_DEPENDENCIES_VAR missing
      POST_INCLUDE_REGEXES \"\${origins}\" POST_EXCLUDE_REGEXES \".*\")
    if(missing)
      message(FATAL_ERROR \"libraries that the core needs were not found: \${missing}\")
    endif()
    # What these open by name as they run: cuDNN its parts, NVRTC its headers, ATen its way to NVRTC.
    foreach(library \${found})
      get_filename_component(beside \"\${library}\" DIRECTORY)
      file(GLOB opened \"\${beside}/libcudnn_*.so.*\" \"\${beside}/libnvrtc-builtins.so.*\" \"\${beside}/libcaffe2_nvrtc.so\")
      list(APPEND found \${opened})
    endforeach()
    list(REMOVE_DUPLICATES found)
    file(INSTALL DESTINATION \"\${folder}\" TYPE SHARED_LIBRARY FOLLOW_SYMLINK_CHAIN FILES \${found})
  " COMPONENT libtorch)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME gst-liveedit)
set(CPACK_PACKAGE_CONTACT "The gst-liveedit developers <gst-liveedit@localhost>")
set(CPACK_PACKAGE_VENDOR "gst-liveedit")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_RESOURCE_FILE_LICENSE ${CMAKE_SOURCE_DIR}/LICENSE)
set(CPACK_VERBATIM_VARIABLES ON)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${TORCH_INSTALL_PREFIX}/lib")

set(CPACK_DEBIAN_PLUGIN_PACKAGE_NAME gstreamer1.0-liveedit)
set(CPACK_DEBIAN_PLUGIN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_STREAMING_PACKAGE_NAME gstreamer1.0-liveedit-streaming)
set(CPACK_DEBIAN_STREAMING_PACKAGE_SHLIBDEPS ON)
# Elements that it uses by name.
set(CPACK_DEBIAN_STREAMING_PACKAGE_DEPENDS "gstreamer1.0-plugins-base, gstreamer1.0-plugins-good, gstreamer1.0-plugins-bad, gstreamer1.0-nice")
set(CPACK_DEBIAN_STREAMING_PACKAGE_RECOMMENDS "gstreamer1.0-plugins-ugly, gstreamer1.0-libav, glib-networking")
set(CPACK_DEBIAN_SERVER_PACKAGE_NAME liveedit-server)
set(CPACK_DEBIAN_SERVER_PACKAGE_SHLIBDEPS ON)
# webrtcbin and the codecs of browsers are used by name.
set(CPACK_DEBIAN_SERVER_PACKAGE_DEPENDS
  "gstreamer1.0-liveedit, gstreamer1.0-plugins-base, gstreamer1.0-plugins-good, gstreamer1.0-plugins-bad, gstreamer1.0-nice")
set(CPACK_DEBIAN_SERVER_PACKAGE_RECOMMENDS "gstreamer1.0-plugins-ugly, gstreamer1.0-libav, glib-networking")
set(CPACK_DEBIAN_SERVER_PACKAGE_SECTION video)
set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_EXTRA "${CMAKE_SOURCE_DIR}/packaging/debian/conffiles;${CMAKE_SOURCE_DIR}/packaging/debian/postinst;${CMAKE_SOURCE_DIR}/packaging/debian/prerm;${CMAKE_SOURCE_DIR}/packaging/debian/postrm")
set(CPACK_DEBIAN_CORE_PACKAGE_NAME libliveedit-core)
set(CPACK_DEBIAN_CORE_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_LIBTORCH_PACKAGE_NAME liveedit-libtorch)
set(CPACK_DEBIAN_LIBTORCH_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_LIBTORCH_PACKAGE_DEPENDS "libc6, libgcc-s1, libstdc++6")
# Its libraries come as PyTorch built them and are not stripped.
set(CPACK_STRIP_FILES OFF)

include(CPack)
cpack_add_component(plugin DISPLAY_NAME "GStreamer plugin" DESCRIPTION "GStreamer elements that edit live video by prompt" DEPENDS core)
if(LIVEEDIT_STREAMING)
  cpack_add_component(streaming DISPLAY_NAME "GStreamer plugin for serving" DESCRIPTION "GStreamer elements that serve live video by WebRTC, RTSP and HTTP")
endif()
if(TARGET liveedit-server)
  cpack_add_component(server DISPLAY_NAME "Server" DESCRIPTION "Live video edited by prompt, for browsers and programs")
endif()
cpack_add_component(core DISPLAY_NAME "Inference core"
  DESCRIPTION "Inference core of gst-liveedit on libtorch, and its embedded model sketchbook" DEPENDS libtorch)
cpack_add_component(libtorch DISPLAY_NAME "libtorch for gst-liveedit" DESCRIPTION "The libraries of libtorch that gst-liveedit's core needs")
