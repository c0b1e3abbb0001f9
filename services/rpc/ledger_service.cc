#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "jangbu/v1/ledger.grpc.pb.h"
#include "ledger/period.h"
#include "services/rpc/limits.h"
#include "services/rpc/services.h"
#include "services/rpc/transfer_page.h"
#include "services/wire/convert.h"
#include "services/wire/page_token.h"

namespace jangbu::services::rpc {
namespace {

namespace v1 = ::jangbu::v1;

// What the programme is for: a trillion tokens.
constexpr int64_t kProgrammeTokens = 1'000'000'000'000;

// The instant figures are of: nullopt is now.
StatusOr<std::optional<Timestamp>> InstantOf(int64_t as_of_micros, Timestamp now) {
  if (as_of_micros == 0) return std::optional<Timestamp>();
  if (as_of_micros < 0 || as_of_micros > now.micros) {
    return InvalidArgument("bad_as_of", "figures are known for times up to now, not for " +
                                            std::to_string(as_of_micros) + " microseconds");
  }
  return std::optional<Timestamp>(Timestamp{as_of_micros});
}

// How many transfers were made before an instant. O(log transfers).
uint64_t TransfersBefore(const ledger::Ledger& ledger, Timestamp instant) {
  uint64_t low = 0;
  uint64_t high = ledger.transfer_count();
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (ledger.transfer(middle).timestamp < instant) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// Accounts that have moved by the end of the period, or by now.
void AddAccounts(const ledger::Books& books, std::optional<ledger::Period> period,
                 v1::ListJournalResponse& response) {
  const ledger::Ledger& ledger = books.ledger();
  const auto held = [&](ledger::AccountId id, Timestamp at) {
    return ledger.BalancesAt(id, at).value_or(ledger::Balances{}).net();
  };
  for (size_t i = 0; i < ledger.account_count(); ++i) {
    const ledger::Account& account = ledger.account(i);
    const Timestamp last = period.has_value() ? ledger::LastInstantOf(*period) : ledger.last_at();
    if (ledger.EventCountAt(account.id, last) == 0) continue;
    v1::JournalAccount& row = *response.add_accounts();
    row.set_account(wire::NameOfAccount(account.id, books));
    row.set_asset(std::string(ledger::NameOfAsset(account.asset)));
    if (period.has_value())
      row.set_opening(held(account.id, Timestamp{ledger::StartOf(*period).micros - 1}));
    row.set_closing(held(account.id, last));
  }
}

class LedgerServiceImpl final : public v1::LedgerService::Service {
 public:
  explicit LedgerServiceImpl(FrontDoor& door) : door_(door) {}

  grpc::Status GetBalance(grpc::ServerContext* context, const v1::GetBalanceRequest* request,
                          v1::GetBalanceResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.LedgerService/GetBalance", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      JANGBU_ASSIGN_OR_RETURN(const PartnerRef partner, call.Partner(request->partner_id()));
      const Timestamp now = door_.clock().Now();
      JANGBU_ASSIGN_OR_RETURN(const std::optional<Timestamp> as_of,
                              InstantOf(request->as_of_micros(), now));
      door_.jangbu().ReadBooks([&](const ledger::Books& books) {
        const ledger::PartnerRecord& record = *books.FindPartner(partner.number);
        *response->mutable_balance() = wire::ToWire(books.FiguresOf(record, as_of), record.id,
                                                    as_of.value_or(now), CountedBy(books));
        response->mutable_balance()->set_membership_threshold_words(
            books.PolicyAt(as_of.value_or(now)).policy.membership_threshold_words);
      });
      return OkStatus();
    });
  }

  grpc::Status GetProgramme(grpc::ServerContext* context, const v1::GetProgrammeRequest* request,
                            v1::GetProgrammeResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.LedgerService/GetProgramme", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      const Timestamp now = door_.clock().Now();
      JANGBU_ASSIGN_OR_RETURN(const std::optional<Timestamp> as_of,
                              InstantOf(request->as_of_micros(), now));
      int64_t confirmed = 0;
      int64_t provisional = 0;
      int64_t tokens = 0;
      door_.jangbu().ReadBooks([&](const ledger::Books& books) {
        for (const auto& record : books.partners()) {
          const ledger::PartnerFigures figures = books.FiguresOf(*record, as_of);
          confirmed += figures.confirmed_korean_tokens;
          provisional += figures.provisional_korean_tokens;
          tokens += figures.counts.tokens;
          v1::Balance& balance = *response->add_balances();
          balance = wire::ToWire(figures, record->id, as_of.value_or(now), CountedBy(books));
          balance.set_membership_threshold_words(
              books.PolicyAt(as_of.value_or(now)).policy.membership_threshold_words);
        }
      });
      response->set_total_confirmed_korean_tokens(confirmed);
      response->set_total_provisional_korean_tokens(provisional);
      response->set_total_tokens(tokens);
      response->set_target_tokens(kProgrammeTokens);
      return OkStatus();
    });
  }

  grpc::Status ListTransfers(grpc::ServerContext* context, const v1::ListTransfersRequest* request,
                             v1::ListTransfersResponse* response) override {
    return door_.Serve(
        *context, "jangbu.v1.LedgerService/ListTransfers", [&](Call& call) -> Status {
          JANGBU_RETURN_IF_ERROR(call.Admit(*request));
          JANGBU_ASSIGN_OR_RETURN(const PartnerRef partner, call.Partner(request->partner_id()));
          JANGBU_ASSIGN_OR_RETURN(const uint32_t size, wire::PageSize(request->page_size()));
          const std::string query = "transfers " + partner.id;
          JANGBU_ASSIGN_OR_RETURN(const wire::PagePosition after,
                                  wire::ReadPageToken(query, request->page_token()));
          TransferPage page;
          door_.jangbu().ReadBooks([&](const ledger::Books& books) {
            page = ReadTransfers(books.ledger(), partner.number,
                                 ledger::TransferId(after.major, after.minor), size);
          });
          for (const ledger::Transfer& transfer : page.transfers) {
            *response->add_transfers() = wire::ToWire(transfer, partner.number, partner.id);
          }
          if (page.more) {
            const ledger::TransferId last = page.transfers.back().id;
            response->set_next_page_token(
                wire::MakePageToken(query, {.major = last.high, .minor = last.low}));
          }
          return OkStatus();
        });
  }

  grpc::Status ListJournal(grpc::ServerContext* context, const v1::ListJournalRequest* request,
                           v1::ListJournalResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.LedgerService/ListJournal", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      std::optional<ledger::Period> period;
      if (!request->period().empty()) {
        JANGBU_ASSIGN_OR_RETURN(period, ledger::ParsePeriod(request->period()));
        if (*period == 299912) return InvalidArgument("bad_period", "a period is a month: 2026-10");
      }
      JANGBU_ASSIGN_OR_RETURN(const uint32_t size, wire::PageSize(request->page_size()));
      // A token holds the next transfer and the one after the last.
      const std::string query = "journal " + request->period();
      JANGBU_ASSIGN_OR_RETURN(const wire::PagePosition position,
                              wire::ReadPageToken(query, request->page_token()));
      Status status = OkStatus();
      door_.jangbu().ReadBooks([&](const ledger::Books& books) {
        const ledger::Ledger& ledger = books.ledger();
        uint64_t at = position.major;
        uint64_t end = position.minor;
        if (request->page_token().empty()) {
          at = period.has_value() ? TransfersBefore(ledger, ledger::StartOf(*period)) : 0;
          end = period.has_value()
                    ? TransfersBefore(ledger, ledger::StartOf(ledger::NextPeriod(*period)))
                    : ledger.transfer_count();
          AddAccounts(books, period, *response);
          response->set_transfers_in_all(end - at);
          response->set_log_origin(door_.jangbu().LogOrigin());
        }
        if (at > end || end > ledger.transfer_count()) {
          status = InvalidArgument("bad_page_token", "this page token is of no listing");
          return;
        }
        const uint64_t stop = std::min<uint64_t>(end, at + size);
        for (; at < stop; ++at)
          *response->add_transfers() = wire::ToWire(ledger.transfer(at), books);
        if (at < end)
          response->set_next_page_token(wire::MakePageToken(query, {.major = at, .minor = end}));
      });
      return status;
    });
  }

  grpc::Status ListLots(grpc::ServerContext* context, const v1::ListLotsRequest* request,
                        v1::ListLotsResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.LedgerService/ListLots", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      JANGBU_ASSIGN_OR_RETURN(const PartnerRef partner, call.Partner(request->partner_id()));
      JANGBU_ASSIGN_OR_RETURN(const uint32_t size, wire::PageSize(request->page_size()));
      const std::string query = "lots " + partner.id;
      JANGBU_ASSIGN_OR_RETURN(const wire::PagePosition after,
                              wire::ReadPageToken(query, request->page_token()));
      // One more than asked for tells whether there is a next page.
      JANGBU_ASSIGN_OR_RETURN(
          std::vector<LotView> lots,
          door_.jangbu().ListLots(partner.number, static_cast<uint32_t>(after.major),
                                  size_t{size} + 1));
      const bool more = lots.size() > size;
      if (more) lots.pop_back();
      for (const LotView& lot : lots) *response->add_lots() = wire::ToWire(lot);
      if (more) {
        response->set_next_page_token(
            wire::MakePageToken(query, {.major = lots.back().lot.lot, .minor = 0}));
      }
      return OkStatus();
    });
  }

  grpc::Status GetLotReceipt(grpc::ServerContext* context, const v1::GetLotReceiptRequest* request,
                             v1::GetLotReceiptResponse* response) override {
    return door_.Serve(
        *context, "jangbu.v1.LedgerService/GetLotReceipt", [&](Call& call) -> Status {
          JANGBU_RETURN_IF_ERROR(call.Admit(*request));
          JANGBU_ASSIGN_OR_RETURN(const SubjectRef lot, call.Lot(request->lot_id()));
          JANGBU_ASSIGN_OR_RETURN(std::string receipt,
                                  door_.jangbu().GetLotReceipt(lot.partner.number, lot.number));
          response->set_receipt(std::move(receipt));
          return OkStatus();
        });
  }

 private:
  // What figures are counted by now: a re-count may have pinned another tokenizer than genesis.
  ledger::Genesis CountedBy(const ledger::Books& books) const {
    ledger::Genesis genesis = *books.genesis();
    genesis.tokenizer_algorithm = std::string(door_.jangbu().tokenizer().algorithm());
    genesis.tokenizer_sha256 = door_.jangbu().tokenizer().file_sha256();
    return genesis;
  }

  FrontDoor& door_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeLedgerService(FrontDoor& door) {
  return std::make_unique<LedgerServiceImpl>(door);
}

}  // namespace jangbu::services::rpc
