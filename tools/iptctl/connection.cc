#include "iptctl/connection.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/sync_stream.h"
#include "platform/errors/status_macros.h"
#include "platform/sync/countdown.h"

namespace ipt::ctl {
namespace {

namespace reflection = grpc::reflection::v1alpha;

constexpr int kMaxAttempts = 4;
// Pages of 1000 resources may be larger than gRPC's default of 4 MiB.
constexpr int kMaxMessageBytes = 64 << 20;

bool SafeToRepeat(const MethodDescriptor& method) {
  return method.options().GetExtension(ipt::common::v1::policy).access() ==
             ipt::common::v1::ACCESS_READ ||
         method.input_type()->FindFieldByName("request_id") != nullptr;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const Settings& settings) {
  grpc::ChannelArguments args = client::PatientArguments();
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  args.SetMaxReceiveMessageSize(kMaxMessageBytes);
  IPT_ASSIGN_OR_RETURN(std::shared_ptr<grpc::Channel> channel,
                       client::OpenChannel(settings.target, std::move(args)));
  return std::unique_ptr<Connection>(new Connection(std::move(channel), settings));
}

void Connection::Prepare(absl::Time deadline, grpc::ClientContext& context) const {
  if (deadline != absl::InfiniteFuture()) context.set_deadline(absl::ToChronoTime(deadline));
  // Streams outlive tokens: the file may have the next one.
  std::string token = token_;
  if (!token_file_.empty()) {
    const absl::StatusOr<std::string> text = ReadFile(token_file_);
    if (text.ok()) token = std::string(absl::StripAsciiWhitespace(*text));
  }
  if (!token.empty()) context.AddMetadata("authorization", absl::StrCat("Bearer ", token));
}

grpc::Status Connection::Call(const MethodDescriptor& method, const Message& request,
                              Message& response) {
  const grpc::Slice slice(request.SerializeAsString());
  const grpc::ByteBuffer sent(&slice, 1);
  const std::string path = RpcPath(method);
  const absl::Time deadline = absl::Now() + deadline_;
  grpc::GenericStub stub(channel_);
  absl::Duration backoff = absl::Milliseconds(150);
  for (int attempt = 1;; ++attempt) {
    grpc::ClientContext context;
    Prepare(deadline, context);
    grpc::ByteBuffer received;
    grpc::Status status;
    Countdown done(1);
    stub.UnaryCall(&context, path, grpc::StubOptions(), &sent, &received, [&](grpc::Status s) {
      status = std::move(s);
      done.Done();
    });
    done.Wait();
    if (status.ok()) {
      grpc::Slice answer;
      grpc::Status dumped = received.DumpToSingleSlice(&answer);
      if (!dumped.ok()) return dumped;
      if (!response.ParseFromArray(answer.begin(), static_cast<int>(answer.size()))) {
        return {grpc::StatusCode::INTERNAL, "the server's answer is not of this method's type"};
      }
      return status;
    }
    const absl::Duration delay = std::max(client::RetryDelay(status), backoff);
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE || attempt == kMaxAttempts ||
        !SafeToRepeat(method) || absl::Now() + delay >= deadline) {
      return status;
    }
    absl::SleepFor(delay);
    backoff *= 2;
  }
}

grpc::Status Connection::Watch(const MethodDescriptor& method, const Message& request,
                               absl::FunctionRef<bool(const std::string&)> on_response) {
  const grpc::Slice slice(request.SerializeAsString());
  const std::string path = RpcPath(method);
  const grpc::internal::RpcMethod rpc(path.c_str(), grpc::internal::RpcMethod::SERVER_STREAMING,
                                      channel_);
  grpc::ClientContext context;
  Prepare(absl::InfiniteFuture(), context);
  const std::unique_ptr<grpc::ClientReader<grpc::ByteBuffer>> stream(
      grpc::internal::ClientReaderFactory<grpc::ByteBuffer>::Create(channel_.get(), rpc, &context,
                                                                    grpc::ByteBuffer(&slice, 1)));
  grpc::ByteBuffer received;
  while (stream->Read(&received)) {
    grpc::Slice answer;
    const bool more =
        received.DumpToSingleSlice(&answer).ok() &&
        on_response(std::string(reinterpret_cast<const char*>(answer.begin()), answer.size()));
    if (more) continue;
    context.TryCancel();
    while (stream->Read(&received)) {
    }
    (void)stream->Finish();
    return grpc::Status::OK;
  }
  return stream->Finish();
}

grpc::Status Connection::Converse(
    const MethodDescriptor& method,
    absl::FunctionRef<absl::StatusOr<std::optional<std::string>>()> next,
    absl::FunctionRef<void(const std::string&)> on_response, absl::FunctionRef<void()> on_over) {
  const std::string path = RpcPath(method);
  const grpc::internal::RpcMethod rpc(path.c_str(), grpc::internal::RpcMethod::BIDI_STREAMING,
                                      channel_);
  grpc::ClientContext context;
  Prepare(absl::InfiniteFuture(), context);
  using Factory = grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>;
  const std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> stream(
      Factory::Create(channel_.get(), rpc, &context));
  std::thread writer([&] {
    while (true) {
      const absl::StatusOr<std::optional<std::string>> message = next();
      if (!message.ok()) return context.TryCancel();
      if (!message->has_value()) break;
      const grpc::Slice slice(**message);
      if (!stream->Write(grpc::ByteBuffer(&slice, 1))) return;
    }
    stream->WritesDone();
  });
  grpc::ByteBuffer received;
  while (stream->Read(&received)) {
    grpc::Slice answer;
    if (!received.DumpToSingleSlice(&answer).ok()) continue;
    on_response(std::string(reinterpret_cast<const char*>(answer.begin()), answer.size()));
  }
  on_over();
  writer.join();
  return stream->Finish();
}

void Connection::Reach(absl::Duration limit) {
  (void)channel_->WaitForConnected(std::chrono::system_clock::now() +
                                   absl::ToChronoNanoseconds(limit));
}

grpc::Status Connection::ListMethods(std::vector<std::string>& paths) {
  grpc::ClientContext context;
  Prepare(absl::Now() + deadline_, context);
  const auto stub = reflection::ServerReflection::NewStub(channel_);
  const auto stream = stub->ServerReflectionInfo(&context);
  reflection::ServerReflectionRequest request;
  reflection::ServerReflectionResponse response;
  const auto ask = [&] { return stream->Write(request) && stream->Read(&response); };

  request.set_list_services("*");
  if (!ask()) return stream->Finish();
  std::vector<std::string> services;
  for (const auto& service : response.list_services_response().service()) {
    services.push_back(service.name());
  }
  for (const std::string& service : services) {
    request.set_file_containing_symbol(service);
    if (!ask()) return stream->Finish();
    for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
      google::protobuf::FileDescriptorProto file;
      if (!file.ParseFromString(bytes)) continue;
      for (const auto& described : file.service()) {
        if (absl::StrCat(file.package(), ".", described.name()) != service) continue;
        for (const auto& method : described.method()) {
          paths.push_back(absl::StrCat("/", service, "/", method.name()));
        }
      }
    }
  }
  stream->WritesDone();
  return stream->Finish();
}

}  // namespace ipt::ctl
