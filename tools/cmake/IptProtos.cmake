# Generated code lives in the build tree only, one library of messages per proto package.
# ipt_add_protos(NAME common_v1 ROOT dir PROTOS a.proto ... [STUBS a_service.proto ...] [DEPS targets...])
# STUBS: those of whose services there is a client in C++ (ipt::stubs_common_v1). Servers need none:
# they serve methods by descriptor (services/platform/rpc).
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

# All of it, for tools that read headers without building.
add_custom_target(ipt_generated)

# Generated code is a sixth of the build, and its fast paths are inlined at any level: at -O1 it takes a
# third less, and calls are served as quickly. It is protobuf's, as the library is, and takes most of a
# sanitizer's build, too: what it is given by ours is looked at in ours.
function(ipt_compile_generated target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  if(IPT_SANITIZE)
    target_compile_options(${target} PRIVATE -fno-sanitize=all)
  endif()
endfunction()

function(ipt_add_protos)
  cmake_parse_arguments(ARG "" "NAME;ROOT" "PROTOS;STUBS;DEPS" ${ARGN})
  set(protoc protobuf::protoc -I ${ARG_ROOT} ${IPT_PROTO_PATHS})
  file(MAKE_DIRECTORY ${IPT_GENERATED})
  set(messages)
  foreach(proto ${ARG_PROTOS})
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    set(outputs ${IPT_GENERATED}/${stem}.pb.cc ${IPT_GENERATED}/${stem}.pb.h)
    add_custom_command(
      OUTPUT ${outputs}
      COMMAND ${protoc} --cpp_out=${IPT_GENERATED} ${ARG_ROOT}/${proto}
      DEPENDS ${ARG_ROOT}/${proto}
      VERBATIM)
    list(APPEND messages ${outputs})
  endforeach()
  add_library(ipt_proto_${ARG_NAME} STATIC ${messages})
  add_library(ipt::proto_${ARG_NAME} ALIAS ipt_proto_${ARG_NAME})
  target_include_directories(ipt_proto_${ARG_NAME} SYSTEM PUBLIC ${IPT_GENERATED})
  # Where several are compiled as one: the two names that all of them have.
  set_target_properties(ipt_proto_${ARG_NAME} PROPERTIES
    UNITY_BUILD_UNIQUE_ID IPT_FILE_ID
    UNITY_BUILD_CODE_BEFORE_INCLUDE "#define IPT_JOIN_(a, b) a##b
#define IPT_JOIN(a, b) IPT_JOIN_(a, b)
#define schemas IPT_JOIN(schemas_, IPT_FILE_ID)
#define file_default_instances IPT_JOIN(file_default_instances_, IPT_FILE_ID)"
    UNITY_BUILD_CODE_AFTER_INCLUDE "#undef IPT_JOIN_
#undef IPT_JOIN
#undef schemas
#undef file_default_instances")
  ipt_compile_generated(ipt_proto_${ARG_NAME})
  add_custom_target(ipt_generated_${ARG_NAME} DEPENDS ${messages})
  add_dependencies(ipt_generated ipt_generated_${ARG_NAME})
  target_link_libraries(ipt_proto_${ARG_NAME} PUBLIC protobuf::libprotobuf ${ARG_DEPS})
  if(NOT ARG_STUBS)
    return()
  endif()

  set(stubs)
  foreach(proto ${ARG_STUBS})
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    set(outputs ${IPT_GENERATED}/${stem}.grpc.pb.cc ${IPT_GENERATED}/${stem}.grpc.pb.h)
    add_custom_command(
      OUTPUT ${outputs}
      COMMAND ${protoc} --grpc_out=${IPT_GENERATED}
        --plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin> ${ARG_ROOT}/${proto}
      DEPENDS ${ARG_ROOT}/${proto}
      VERBATIM)
    list(APPEND stubs ${outputs})
  endforeach()
  add_library(ipt_stubs_${ARG_NAME} STATIC ${stubs})
  add_library(ipt::stubs_${ARG_NAME} ALIAS ipt_stubs_${ARG_NAME})
  ipt_compile_generated(ipt_stubs_${ARG_NAME})
  add_custom_target(ipt_generated_stubs_${ARG_NAME} DEPENDS ${stubs})
  add_dependencies(ipt_generated ipt_generated_stubs_${ARG_NAME})
  target_link_libraries(ipt_stubs_${ARG_NAME} PUBLIC ipt_proto_${ARG_NAME} gRPC::grpc++)
endfunction()
