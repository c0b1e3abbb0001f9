#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "jangbu/v1/contribute.grpc.pb.h"
#include "services/rpc/gathered_stream.h"
#include "services/rpc/limits.h"
#include "services/rpc/row_writer.h"
#include "services/rpc/services.h"
#include "services/rpc/try_files.h"
#include "services/wire/convert.h"
#include "services/wire/ids.h"
#include "services/wire/page_token.h"

namespace jangbu::services::rpc {
namespace {

namespace v1 = ::jangbu::v1;
using std::chrono::milliseconds;

// How often a silent stream looks whether the server stops.
constexpr milliseconds kPatience{200};
// Progress is told at most so often, and waited for so long at a time.
constexpr milliseconds kProgressEvery{250};
constexpr int kProgressWaitMs = 500;

using UploadStream = GatheredStream<v1::UploadFilesRequest, v1::UploadFilesResponse>;
using FeedStream = GatheredStream<v1::ContributeRequest, v1::ContributeResponse>;

// The bidirectional streams use gRPC's callback interface, the rest the synchronous one.
using Base = v1::ContributeService::WithCallbackMethod_UploadFiles<
    v1::ContributeService::WithCallbackMethod_TryFiles<
        v1::ContributeService::WithCallbackMethod_Contribute<v1::ContributeService::Service>>>;

class ContributeServiceImpl final : public Base {
 public:
  ContributeServiceImpl(FrontDoor& door, ThreadSet& threads) : door_(door), threads_(threads) {}

  grpc::Status CreateCorpus(grpc::ServerContext* context, const v1::CreateCorpusRequest* request,
                            v1::CreateCorpusResponse* response) override {
    return door_.Serve(
        *context, "jangbu.v1.ContributeService/CreateCorpus", [&](Call& call) -> Status {
          JANGBU_RETURN_IF_ERROR(call.Admit(*request));
          JANGBU_ASSIGN_OR_RETURN(const PartnerRef partner, call.Partner(request->partner_id()));
          JANGBU_RETURN_IF_ERROR(wire::CheckText("title", request->title(), kMaxTitleChars, true));
          JANGBU_RETURN_IF_ERROR(
              wire::CheckText("rights", request->rights(), kMaxRightsChars, false));
          JANGBU_RETURN_IF_ERROR(
              wire::CheckText("licence", request->licence(), kMaxRightsChars, false));
          JANGBU_RETURN_IF_ERROR(
              wire::CheckRequestId("request_id", request->request_id(), kMaxRequestIdBytes, false));
          JANGBU_RETURN_IF_ERROR(
              wire::CheckText("legal_basis", request->legal_basis(), kMaxRightsChars, false));
          JANGBU_RETURN_IF_ERROR(
              wire::CheckText("quality", request->quality(), kMaxRightsChars, false));
          CorpusScreening screening{.personal_data = ingest::PersonalDataPolicy::kMask,
                                    .legal_basis = request->legal_basis(),
                                    .quality = request->quality(),
                                    .reading = {}};
          JANGBU_ASSIGN_OR_RETURN(
              screening.reading,
              ingest::ParseReadOptions(request->encoding(), request->text_column(),
                                       request->xml_text_path(), request->pua()));
          JANGBU_ASSIGN_OR_RETURN(screening.personal_data,
                                  wire::FromWire(request->personal_data()));
          JANGBU_ASSIGN_OR_RETURN(const ledger::SourceType source_type,
                                  wire::FromWire(request->source_type()));
          JANGBU_ASSIGN_OR_RETURN(
              const CorpusView corpus,
              door_.jangbu().CreateCorpus(partner.number, request->title(), source_type,
                                          request->rights(), request->licence(),
                                          request->request_id(), screening));
          *response->mutable_corpus() = wire::ToWire(corpus);
          return OkStatus();
        });
  }

  grpc::Status ListCorpora(grpc::ServerContext* context, const v1::ListCorporaRequest* request,
                           v1::ListCorporaResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.ContributeService/ListCorpora",
                       [&](Call& call) -> Status {
                         JANGBU_RETURN_IF_ERROR(call.Admit(*request));
                         JANGBU_ASSIGN_OR_RETURN(const std::vector<PartnerRef> partners,
                                                 call.Partners(request->partner_id()));
                         for (const PartnerRef& partner : partners) {
                           JANGBU_ASSIGN_OR_RETURN(const std::vector<CorpusView> corpora,
                                                   door_.jangbu().ListCorpora(partner.number));
                           for (const CorpusView& corpus : corpora) {
                             *response->add_corpora() = wire::ToWire(corpus);
                           }
                         }
                         return OkStatus();
                       });
  }

  grpc::Status CreateUpload(grpc::ServerContext* context, const v1::CreateUploadRequest* request,
                            v1::CreateUploadResponse* response) override {
    return door_.Serve(
        *context, "jangbu.v1.ContributeService/CreateUpload", [&](Call& call) -> Status {
          JANGBU_RETURN_IF_ERROR(call.Admit(*request));
          JANGBU_ASSIGN_OR_RETURN(const SubjectRef corpus, call.Corpus(request->corpus_id()));
          JANGBU_RETURN_IF_ERROR(
              wire::CheckRequestId("request_id", request->request_id(), kMaxRequestIdBytes, true));
          JANGBU_ASSIGN_OR_RETURN(const UploadView upload,
                                  door_.jangbu().CreateUpload(corpus.partner.number, corpus.number,
                                                              request->request_id()));
          *response->mutable_upload() = Encode(upload);
          return OkStatus();
        });
  }

  grpc::ServerBidiReactor<v1::UploadFilesRequest, v1::UploadFilesResponse>* UploadFiles(
      grpc::CallbackServerContext* context) override {
    constexpr std::string_view kMethod = "jangbu.v1.ContributeService/UploadFiles";
    return UploadStream::Begin(
        threads_,
        {.group_bytes = kStageGroupBytes,
         .group_messages = kStageGroupMessages,
         .ahead_bytes = kReadAheadBytes},
        [this, context, kMethod](UploadStream& stream) {
          return door_.Serve(*context, kMethod,
                             [&](Call& call) { return ServeUpload(call, stream); });
        },
        [this, context, kMethod] { return Refuse(*context, kMethod); });
  }

  grpc::Status ListStagedFiles(grpc::ServerContext* context,
                               const v1::ListStagedFilesRequest* request,
                               grpc::ServerWriter<v1::ListStagedFilesResponse>* writer) override {
    return door_.Serve(
        *context, "jangbu.v1.ContributeService/ListStagedFiles", [&](Call& call) -> Status {
          JANGBU_RETURN_IF_ERROR(call.Admit(*request));
          JANGBU_ASSIGN_OR_RETURN(const SubjectRef upload, call.Upload(request->upload_id()));
          JANGBU_ASSIGN_OR_RETURN(
              const std::vector<StagedFile> files,
              door_.jangbu().ListStagedFiles(upload.partner.number, upload.number));
          for (const StagedFile& file : files) {
            if (!writer->Write(wire::ToWire(file))) return call.WhyGone();
          }
          return OkStatus();
        });
  }

  grpc::Status SealUpload(grpc::ServerContext* context, const v1::SealUploadRequest* request,
                          v1::SealUploadResponse* response) override {
    return door_.Serve(
        *context, "jangbu.v1.ContributeService/SealUpload", [&](Call& call) -> Status {
          JANGBU_RETURN_IF_ERROR(call.Admit(*request));
          JANGBU_ASSIGN_OR_RETURN(const SubjectRef upload, call.Upload(request->upload_id()));
          JANGBU_ASSIGN_OR_RETURN(const UploadView view,
                                  door_.jangbu().SealUpload(upload.partner.number, upload.number,
                                                            request->file_count()));
          *response->mutable_upload() = Encode(view);
          return OkStatus();
        });
  }

  grpc::Status CancelUpload(grpc::ServerContext* context, const v1::CancelUploadRequest* request,
                            v1::CancelUploadResponse* response) override {
    return door_.Serve(
        *context, "jangbu.v1.ContributeService/CancelUpload", [&](Call& call) -> Status {
          JANGBU_RETURN_IF_ERROR(call.Admit(*request));
          JANGBU_ASSIGN_OR_RETURN(const SubjectRef upload, call.Upload(request->upload_id()));
          JANGBU_ASSIGN_OR_RETURN(const UploadView view, door_.jangbu().CancelUpload(
                                                             upload.partner.number, upload.number));
          *response->mutable_upload() = Encode(view);
          return OkStatus();
        });
  }

  grpc::Status GetUpload(grpc::ServerContext* context, const v1::GetUploadRequest* request,
                         v1::GetUploadResponse* response) override {
    return door_.Serve(
        *context, "jangbu.v1.ContributeService/GetUpload", [&](Call& call) -> Status {
          JANGBU_RETURN_IF_ERROR(call.Admit(*request));
          JANGBU_ASSIGN_OR_RETURN(const SubjectRef upload, call.Upload(request->upload_id()));
          JANGBU_ASSIGN_OR_RETURN(const UploadView view,
                                  door_.jangbu().GetUpload(upload.partner.number, upload.number));
          *response->mutable_upload() = Encode(view);
          return OkStatus();
        });
  }

  grpc::Status ListUploads(grpc::ServerContext* context, const v1::ListUploadsRequest* request,
                           v1::ListUploadsResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.ContributeService/ListUploads",
                       [&](Call& call) -> Status {
                         JANGBU_RETURN_IF_ERROR(call.Admit(*request));
                         return FillUploads(call, *request, *response);
                       });
  }

  grpc::Status WatchUpload(grpc::ServerContext* context, const v1::WatchUploadRequest* request,
                           grpc::ServerWriter<v1::WatchUploadResponse>* writer) override {
    return door_.Serve(
        *context, "jangbu.v1.ContributeService/WatchUpload", [&](Call& call) -> Status {
          JANGBU_RETURN_IF_ERROR(call.Admit(*request));
          JANGBU_ASSIGN_OR_RETURN(const SubjectRef upload, call.Upload(request->upload_id()));
          return Watch(call, upload, *writer);
        });
  }

  grpc::Status ListVerdicts(grpc::ServerContext* context, const v1::ListVerdictsRequest* request,
                            grpc::ServerWriter<v1::ListVerdictsResponse>* writer) override {
    return door_.Serve(
        *context, "jangbu.v1.ContributeService/ListVerdicts", [&](Call& call) -> Status {
          JANGBU_RETURN_IF_ERROR(call.Admit(*request));
          JANGBU_ASSIGN_OR_RETURN(const SubjectRef upload, call.Upload(request->upload_id()));
          JANGBU_ASSIGN_OR_RETURN(const VerdictFilter filter, wire::FilterOf(*request));
          RowWriter rows(*writer);
          bool gone = false;
          v1::ListVerdictsResponse response;
          JANGBU_RETURN_IF_ERROR(door_.jangbu().ListVerdicts(
              upload.partner.number, upload.number, filter, [&](const VerdictView& row) {
                *response.mutable_verdict() = wire::ToWire(row);
                gone = call.Over() || !writer->Write(response);
                return !gone;
              }));
          return gone ? call.WhyGone() : OkStatus();
        });
  }

  grpc::Status ExplainVerdict(grpc::ServerContext* context,
                              const v1::ExplainVerdictRequest* request,
                              v1::ExplainVerdictResponse* response) override {
    return door_.Serve(
        *context, "jangbu.v1.ContributeService/ExplainVerdict", [&](Call& call) -> Status {
          JANGBU_RETURN_IF_ERROR(call.Admit(*request));
          JANGBU_ASSIGN_OR_RETURN(const SubjectRef upload, call.Upload(request->upload_id()));
          // What others hold is for compliance alone.
          const bool everybody = call.caller().role == ledger::Role::kCompliance;
          JANGBU_ASSIGN_OR_RETURN(
              const ExplanationView view,
              door_.jangbu().Explain(upload.partner.number, upload.number, request->file(),
                                     request->record(), everybody));
          *response = wire::ToWire(view);
          response->set_everybody(everybody);
          return OkStatus();
        });
  }

  grpc::ServerBidiReactor<v1::TryFilesRequest, v1::TryFilesResponse>* TryFiles(
      grpc::CallbackServerContext* context) override {
    constexpr std::string_view kMethod = "jangbu.v1.ContributeService/TryFiles";
    return TryStream::Begin(
        threads_,
        {.group_bytes = kStageGroupBytes,
         .group_messages = kStageGroupMessages,
         .ahead_bytes = kReadAheadBytes},
        [this, context, kMethod](TryStream& stream) {
          return door_.Serve(*context, kMethod,
                             [&](Call& call) { return ServeTrial(call, stream); });
        },
        [this, context, kMethod] { return Refuse(*context, kMethod); });
  }

  grpc::ServerBidiReactor<v1::ContributeRequest, v1::ContributeResponse>* Contribute(
      grpc::CallbackServerContext* context) override {
    constexpr std::string_view kMethod = "jangbu.v1.ContributeService/Contribute";
    return FeedStream::Begin(
        threads_,
        {.group_bytes = kFeedGroupBytes,
         .group_messages = kFeedGroupMessages,
         .ahead_bytes = kReadAheadBytes},
        [this, context, kMethod](FeedStream& stream) {
          return door_.Serve(*context, kMethod,
                             [&](Call& call) { return ServeFeed(call, stream); });
        },
        [this, context, kMethod] { return Refuse(*context, kMethod); });
  }

  grpc::Status GetReceipt(grpc::ServerContext* context, const v1::GetReceiptRequest* request,
                          v1::GetReceiptResponse* response) override {
    return door_.Serve(
        *context, "jangbu.v1.ContributeService/GetReceipt", [&](Call& call) -> Status {
          JANGBU_RETURN_IF_ERROR(call.Admit(*request));
          JANGBU_ASSIGN_OR_RETURN(const SubjectRef upload, call.Upload(request->upload_id()));
          JANGBU_ASSIGN_OR_RETURN(std::string receipt,
                                  door_.jangbu().GetReceipt(upload.partner.number, upload.number));
          response->set_receipt(std::move(receipt));
          return OkStatus();
        });
  }

 private:
  v1::Upload Encode(const UploadView& upload) {
    // The tokenizer that counted when it was opened; a re-count may have pinned another since.
    Digest counted_by{};
    door_.jangbu().ReadBooks([&](const ledger::Books& books) {
      const uint32_t recount = books.TokenizerOf(upload.token);
      counted_by = recount == 0 ? books.genesis()->tokenizer_sha256
                                : books.recounts()[recount - 1].spec.tokenizer_sha256;
    });
    return wire::ToWire(upload, AsView(counted_by));
  }

  // A stream for which there is no thread.
  grpc::Status Refuse(grpc::CallbackServerContext& context, std::string_view method) {
    Call call(door_, context, method);
    return call.Leave(ResourceExhausted("too_many_streams",
                                        "the server serves as many streams as it can; try again"));
  }

  Status ServeUpload(Call& call, UploadStream& stream) {
    std::optional<SubjectRef> upload;
    std::string upload_id;
    std::vector<v1::UploadFilesRequest> group;
    for (;;) {
      switch (stream.Take(group, kPatience)) {
        case UploadStream::Taken::kCancelled:
          return call.WhyGone();
        case UploadStream::Taken::kWaiting:
          if (call.Over()) return call.WhyGone();
          continue;
        case UploadStream::Taken::kHalfClosed:
          if (upload.has_value()) return OkStatus();
          return InvalidArgument("upload_id_missing",
                                 "the first message must say which upload it is for");
        case UploadStream::Taken::kGroup:
          break;
      }
      if (!upload.has_value()) {
        JANGBU_ASSIGN_OR_RETURN(upload, call.Upload(group.front().upload_id()));
        upload_id = group.front().upload_id();
      }
      // What came before a message that is refused is stored first.
      Status refused;
      std::vector<StageChunk> chunks;
      uint64_t bytes = 0;
      for (v1::UploadFilesRequest& message : group) {
        refused = CheckPiece(call, message, upload_id);
        if (!refused.ok()) break;
        bytes += message.data().size();
        chunks.push_back(wire::TakeChunk(message));
      }
      if (!chunks.empty()) {
        JANGBU_ASSIGN_OR_RETURN(
            const std::vector<StageAck> acks,
            door_.jangbu().Stage(upload->partner.number, upload->number, std::move(chunks)));
        door_.metrics().Staged(bytes);
        for (size_t i = 0; i < acks.size(); ++i) {
          if (!stream.Write(wire::ToWire(acks[i]), i + 1 < acks.size())) return call.WhyGone();
        }
      }
      JANGBU_RETURN_IF_ERROR(refused);
    }
  }

  static Status CheckPiece(Call& call, const v1::UploadFilesRequest& message,
                           std::string_view upload_id) {
    JANGBU_RETURN_IF_ERROR(call.Admit(message));
    const std::string file = "file " + std::to_string(message.file());
    if (!message.upload_id().empty() && message.upload_id() != upload_id) {
      return InvalidArgument("upload_id_changed",
                             "one stream is for one upload: " + std::string(upload_id));
    }
    if (message.data().size() > kMaxPieceBytes) {
      return ResourceExhausted("message_too_large",
                               file + " at " + std::to_string(message.offset()) + " has " +
                                   std::to_string(message.data().size()) +
                                   " bytes in one message; at most " +
                                   std::to_string(kMaxPieceBytes) + " are taken");
    }
    // A path that is too long is for the flow to refuse, alone; one like this is none.
    if (message.path().size() > kMaxPieceBytes) {
      return ResourceExhausted(
          "message_too_large",
          file + " has a path of " + std::to_string(message.path().size()) + " bytes");
    }
    if (!message.sha256().empty() && (!message.last() || message.sha256().size() != 32)) {
      return InvalidArgument("bad_sha256",
                             file + ": sha256 is 32 bytes and comes with the last message");
    }
    return OkStatus();
  }

  Status ServeFeed(Call& call, FeedStream& stream) {
    std::optional<SubjectRef> corpus;
    std::string corpus_id;
    std::string stream_id;
    std::string upload_id;
    uint32_t upload = 0;
    std::vector<v1::ContributeRequest> group;
    for (;;) {
      switch (stream.Take(group, kPatience)) {
        case FeedStream::Taken::kCancelled:
          return call.WhyGone();
        case FeedStream::Taken::kWaiting:
          if (call.Over()) return call.WhyGone();
          continue;
        case FeedStream::Taken::kHalfClosed:
          if (corpus.has_value()) return OkStatus();
          return InvalidArgument("corpus_id_missing",
                                 "the first message must say which corpus it is for");
        case FeedStream::Taken::kGroup:
          break;
      }
      if (!corpus.has_value()) {
        const v1::ContributeRequest& first = group.front();
        JANGBU_ASSIGN_OR_RETURN(corpus, call.Corpus(first.corpus_id()));
        JANGBU_RETURN_IF_ERROR(
            wire::CheckRequestId("stream_id", first.stream_id(), kMaxRequestIdBytes, true));
        corpus_id = first.corpus_id();
        stream_id = first.stream_id();
        JANGBU_ASSIGN_OR_RETURN(
            const UploadView view,
            door_.jangbu().OpenFeed(corpus->partner.number, corpus->number, stream_id));
        upload = view.number;
        upload_id = wire::UploadId(view.partner_id, view.number);
      }
      Status refused;
      std::vector<FeedDocument> documents;
      for (v1::ContributeRequest& message : group) {
        // A first message may open the stream and bring no document yet.
        const bool opens_only =
            message.document_id().empty() && message.text().empty() && !message.corpus_id().empty();
        refused = CheckDocument(call, message, corpus_id, stream_id);
        if (!refused.ok()) break;
        if (!opens_only) documents.push_back(wire::TakeDocument(message));
      }
      if (!documents.empty()) {
        const uint64_t count = documents.size();
        JANGBU_ASSIGN_OR_RETURN(
            const std::vector<FeedVerdict> verdicts,
            door_.jangbu().Contribute(corpus->partner.number, upload, std::move(documents)));
        door_.metrics().FeedDocuments(count);
        for (size_t i = 0; i < verdicts.size(); ++i) {
          if (!stream.Write(wire::ToWire(verdicts[i], upload_id), i + 1 < verdicts.size())) {
            return call.WhyGone();
          }
        }
      }
      JANGBU_RETURN_IF_ERROR(refused);
    }
  }

  static Status CheckDocument(Call& call, const v1::ContributeRequest& message,
                              std::string_view corpus_id, std::string_view stream_id) {
    JANGBU_RETURN_IF_ERROR(call.Admit(message));
    if ((!message.corpus_id().empty() && message.corpus_id() != corpus_id) ||
        (!message.stream_id().empty() && message.stream_id() != stream_id)) {
      return InvalidArgument(
          "corpus_id_changed",
          "one stream is for one corpus and one stream_id: " + std::string(corpus_id));
    }
    JANGBU_RETURN_IF_ERROR(wire::CheckRequestId("title", message.title(), kMaxTitleBytes, false));
    return wire::CheckRequestId("published_at", message.published_at(), kMaxPublishedAtBytes,
                                false);
  }

  Status FillUploads(Call& call, const v1::ListUploadsRequest& request,
                     v1::ListUploadsResponse& response) {
    JANGBU_ASSIGN_OR_RETURN(const uint32_t size, wire::PageSize(request.page_size()));
    const std::string query = "uploads " + request.partner_id() + " " + request.corpus_id();
    JANGBU_ASSIGN_OR_RETURN(const wire::PagePosition after,
                            wire::ReadPageToken(query, request.page_token()));
    JANGBU_ASSIGN_OR_RETURN(std::vector<PartnerRef> partners, call.Partners(request.partner_id()));
    uint32_t corpus_number = 0;
    if (!request.corpus_id().empty()) {
      JANGBU_ASSIGN_OR_RETURN(const SubjectRef corpus, call.Corpus(request.corpus_id()));
      std::erase_if(partners, [&corpus](const PartnerRef& partner) {
        return partner.number != corpus.partner.number;
      });
      corpus_number = corpus.number;
    }
    wire::PagePosition last;
    for (const PartnerRef& partner : partners) {
      if (partner.number < after.major) continue;
      const auto rows = static_cast<uint32_t>(response.uploads_size());
      const uint64_t number = partner.number == after.major ? after.minor : 0;
      if (number > UINT32_MAX) continue;
      JANGBU_ASSIGN_OR_RETURN(
          const std::vector<UploadView> uploads,
          door_.jangbu().ListUploads(partner.number, corpus_number, static_cast<uint32_t>(number),
                                     size - rows + 1));
      for (const UploadView& upload : uploads) {
        if (static_cast<uint32_t>(response.uploads_size()) == size) {
          response.set_next_page_token(wire::MakePageToken(query, last));
          return OkStatus();
        }
        *response.add_uploads() = Encode(upload);
        last = {.major = partner.number, .minor = upload.number};
      }
    }
    return OkStatus();
  }

  Status Watch(Call& call, const SubjectRef& upload,
               grpc::ServerWriter<v1::WatchUploadResponse>& writer) {
    std::string told;
    for (;;) {
      JANGBU_ASSIGN_OR_RETURN(const UploadView view,
                              door_.jangbu().GetUpload(upload.partner.number, upload.number));
      v1::WatchUploadResponse response;
      *response.mutable_upload() = Encode(view);
      if (std::string now = response.SerializeAsString(); now != told) {
        if (!writer.Write(response)) return call.WhyGone();
        told = std::move(now);
      }
      if (view.state == ledger::UploadState::kDone ||
          view.state == ledger::UploadState::kCancelled) {
        return OkStatus();
      }
      std::this_thread::sleep_for(kProgressEvery);
      if (call.Over()) return call.WhyGone();
      door_.jangbu().AwaitProgress(upload.partner.number, upload.number, kProgressWaitMs);
      if (call.Over()) return call.WhyGone();
    }
  }

  FrontDoor& door_;
  ThreadSet& threads_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeContributeService(FrontDoor& door, ThreadSet& threads) {
  return std::make_unique<ContributeServiceImpl>(door, threads);
}

}  // namespace jangbu::services::rpc
