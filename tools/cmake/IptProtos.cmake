# Generated code lives in the build tree only, one library per proto package.
# ipt_add_protos(NAME common_v1 ROOT dir PROTOS a.proto ... [GRPC] [DEPS targets...])
set(IPT_GENERATED ${PROJECT_BINARY_DIR}/generated)
set(IPT_PROTO_ROOT ${PROJECT_SOURCE_DIR}/protos)
# Where Debian puts Google's common protos, and gRPC's own (health, reflection).
find_path(GOOGLEAPIS_DIR google/rpc/error_details.proto
  HINTS /usr/share/gocode/src/github.com/gogo/googleapis REQUIRED)
find_path(GRPC_PROTO_DIR grpc/health/v1/health.proto HINTS /usr/share/grpc-proto REQUIRED)
find_path(PROTOBUF_WKT_DIR google/protobuf/timestamp.proto HINTS /usr/include REQUIRED)
# protoc follows our import paths only; the well-known types are staged so that /usr/include
# (which holds other packages' protos, too) is not one of them.
set(IPT_PROTO_PATHS -I ${IPT_PROTO_ROOT} -I ${GOOGLEAPIS_DIR} -I ${GRPC_PROTO_DIR} -I ${PROTOBUF_WKT_DIR})

function(ipt_add_protos)
  cmake_parse_arguments(ARG "GRPC" "NAME;ROOT" "PROTOS;DEPS" ${ARGN})
  set(all)
  foreach(proto ${ARG_PROTOS})
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    set(outputs ${IPT_GENERATED}/${stem}.pb.cc ${IPT_GENERATED}/${stem}.pb.h)
    set(grpc_args)
    if(ARG_GRPC)
      list(APPEND outputs ${IPT_GENERATED}/${stem}.grpc.pb.cc ${IPT_GENERATED}/${stem}.grpc.pb.h)
      set(grpc_args --grpc_out=${IPT_GENERATED} --plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>)
    endif()
    add_custom_command(
      OUTPUT ${outputs}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${IPT_GENERATED}
      COMMAND protobuf::protoc -I ${ARG_ROOT} ${IPT_PROTO_PATHS} --cpp_out=${IPT_GENERATED} ${grpc_args} ${ARG_ROOT}/${proto}
      DEPENDS ${ARG_ROOT}/${proto}
      VERBATIM)
    list(APPEND all ${outputs})
  endforeach()
  add_library(ipt_proto_${ARG_NAME} STATIC ${all})
  add_library(ipt::proto_${ARG_NAME} ALIAS ipt_proto_${ARG_NAME})
  target_include_directories(ipt_proto_${ARG_NAME} SYSTEM PUBLIC ${IPT_GENERATED})
  target_link_libraries(ipt_proto_${ARG_NAME} PUBLIC protobuf::libprotobuf ${ARG_DEPS})
  if(ARG_GRPC)
    target_link_libraries(ipt_proto_${ARG_NAME} PUBLIC gRPC::grpc++)
  endif()
endfunction()
