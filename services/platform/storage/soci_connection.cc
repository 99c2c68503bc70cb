#include "platform/storage/soci_connection.h"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/soci_include.h"
#include "platform/storage/sql_error.h"

namespace ipt::storage {
namespace {

// Texts beyond this many (a caller builds them without bound) start the cache anew.
constexpr size_t kMaxPrepared = 512;

// The distinct parameter names in the order of their first appearance, found as SOCI finds them.
std::vector<std::string> ParameterNames(absl::string_view sql) {
  std::vector<std::string> names;
  char quote = 0;
  for (size_t i = 0; i < sql.size(); ++i) {
    const char c = sql[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == ':') {
      const size_t begin = i + 1;
      size_t end = begin;
      while (end < sql.size() && (absl::ascii_isalnum(sql[end]) || sql[end] == '_')) ++end;
      if (end == begin) {
        ++i;  // a cast, `::`
        continue;
      }
      std::string name(sql.substr(begin, end - begin));
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        names.push_back(std::move(name));
      }
      i = end - 1;
    }
  }
  return names;
}

void HexInto(const std::string& data, std::string& out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out.resize(2 + 2 * data.size());
  out[0] = '\\';
  out[1] = 'x';
  for (size_t i = 0; i < data.size(); ++i) {
    const auto byte = static_cast<unsigned char>(data[i]);
    out[2 + 2 * i] = kDigits[byte >> 4];
    out[3 + 2 * i] = kDigits[byte & 15];
  }
}

// A blob that was never written to has no buffer, which SQLite would take for NULL.
void SetBlob(soci::blob& blob, const std::string& data) {
  blob.trim(0);
  if (data.empty()) {
    blob.append("", 1);
    blob.trim(0);
  } else {
    blob.append(data.data(), data.size());
  }
}

// "\x0aff" in place.
void DecodeHex(std::string& text) {
  text = absl::HexStringToBytes(absl::string_view(text).substr(std::min<size_t>(2, text.size())));
}

}  // namespace

struct SociConnection::Prepared {
  enum class SlotType { kInteger, kReal, kText, kBlob };
  // What a parameter is bound to. Stays where it is for as long as the statement lives.
  struct Slot {
    std::string name;
    SlotType type = SlotType::kText;
    long long integer = 0;
    double real = 0;
    std::string text;
    std::unique_ptr<soci::blob> blob;  // SQLite only; PostgreSQL takes bytes as hex text
    soci::indicator indicator = soci::i_null;
  };

  explicit Prepared(soci::session& session) : statement(session) {}

  soci::statement statement;
  ColumnTypes columns;
  std::vector<Slot> slots;
  std::vector<Cell> cells;
  std::vector<soci::indicator> indicators;
  bool bound = false;
  bool running = false;
  bool columns_checked = false;
};

SociConnection::SociConnection(std::unique_ptr<soci::session> session, StorageObserver* observer)
    : session_(std::move(session)), observer_(observer) {}

SociConnection::~SociConnection() = default;

void SociConnection::AbandonStatements() {
  for (auto& [sql, prepared] : prepared_) Abandon(prepared->statement.get_backend());
  prepared_.clear();
}

absl::StatusOr<int64_t> SociConnection::Execute(const Statement& statement,
                                                absl::Span<const Value> params) {
  if (statement.columns.size() != 0) return Internal("Execute of a statement with columns");
  return Run(statement, params, nullptr);
}

absl::Status SociConnection::Query(const Statement& statement, absl::Span<const Value> params,
                                   absl::FunctionRef<absl::Status(const Row&)> on_row) {
  if (statement.columns.size() == 0) return Internal("Query of a statement without columns");
  return Run(statement, params, &on_row).status();
}

absl::Status SociConnection::ExecuteScript(absl::string_view sql) {
  IPT_RETURN_IF_ERROR(failure_);
  failure_ = RunScript(std::string(sql));
  return failure_;
}

absl::StatusOr<int64_t> SociConnection::Run(const Statement& statement,
                                            absl::Span<const Value> params,
                                            const RowFunction* on_row) {
  IPT_RETURN_IF_ERROR(failure_);
  const bool timed = observer_ != nullptr || limit_ != kNoLimit;
  const SteadyTime start = timed ? SteadyClock::now() : SteadyTime();
  if (timed && start >= limit_) {
    failure_ = SqlError(SqlErrorKind::kTimeout, "time limit");
    return failure_;
  }
  // `row_status` is what on_row returned: the caller's own, no failure of the statement.
  absl::Status row_status;
  absl::StatusOr<int64_t> affected = [&]() -> absl::StatusOr<int64_t> {
    IPT_ASSIGN_OR_RETURN(Prepared * prepared, Prepare(statement));
    if (prepared->running) return Internal("a statement ran again inside its own rows");
    IPT_RETURN_IF_ERROR(SetParams(*prepared, params));
    return RunPrepared(*prepared, on_row, row_status);
  }();
  if (!affected.ok()) failure_ = affected.status();
  if (observer_ != nullptr) {
    observer_->OnStatement(statement.sql, Since(start), affected.ok());
  }
  if (!row_status.ok()) return row_status;
  return affected;
}

absl::StatusOr<SociConnection::Prepared*> SociConnection::Prepare(const Statement& statement) {
  const auto found = prepared_.find(statement.sql);
  if (found != prepared_.end()) return found->second.get();

  if (prepared_.size() >= kMaxPrepared) {
    absl::erase_if(prepared_, [](const auto& entry) { return !entry.second->running; });
  }
  auto prepared = std::make_unique<Prepared>(*session_);
  std::string sql(statement.sql);
  try {
    prepared->statement.alloc();
    prepared->statement.prepare(sql);
  } catch (const std::exception& error) {
    absl::Status status = ErrorNow(nullptr);
    // Nothing is bound yet, so here the driver's words tell of the SQL alone.
    return SqlErrorKindOf(status) == SqlErrorKind::kOther
               ? SqlError(SqlErrorKind::kOther, error.what())
               : status;
  }
  prepared->columns = statement.columns;
  prepared->cells.resize(statement.columns.size());
  prepared->indicators.resize(statement.columns.size());
  for (std::string& name : ParameterNames(statement.sql)) {
    prepared->slots.emplace_back().name = std::move(name);
  }
  return prepared_.emplace(std::move(sql), std::move(prepared)).first->second.get();
}

absl::Status SociConnection::SetParams(Prepared& prepared, absl::Span<const Value> params) {
  if (params.size() != prepared.slots.size()) {
    return Internal(absl::StrCat("a statement with ", prepared.slots.size(), " parameters got ",
                                 params.size()));
  }
  // A slot changes its type when a value of another type comes; NULL fits any.
  using Slot = Prepared::Slot;
  using SlotType = Prepared::SlotType;
  const auto as = [&](Slot& slot, SlotType type) {
    slot.indicator = soci::i_ok;
    if (slot.type == type) return;
    slot.type = type;
    prepared.bound = false;
  };
  for (size_t i = 0; i < params.size(); ++i) {
    Slot& slot = prepared.slots[i];
    const Value::Rep& value = params[i].rep();
    if (const auto* integer = std::get_if<int64_t>(&value)) {
      as(slot, SlotType::kInteger);
      slot.integer = *integer;
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      if (text->find('\0') != std::string::npos) {
        return SqlError(SqlErrorKind::kBadText, "NUL in text");
      }
      as(slot, SlotType::kText);
      slot.text = *text;
    } else if (const auto* real = std::get_if<double>(&value)) {
      as(slot, SlotType::kReal);
      slot.real = *real;
    } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
      if (dialect() == Dialect::kPostgres) {
        as(slot, SlotType::kText);
        HexInto(bytes->data, slot.text);
      } else {
        as(slot, SlotType::kBlob);
        if (slot.blob == nullptr) slot.blob = std::make_unique<soci::blob>(*session_);
        SetBlob(*slot.blob, bytes->data);
      }
    } else {
      slot.indicator = soci::i_null;
    }
  }
  return absl::OkStatus();
}

void SociConnection::Bind(Prepared& prepared) {
  prepared.statement.bind_clean_up();
  for (size_t i = 0; i < prepared.cells.size(); ++i) {
    Cell& cell = prepared.cells[i];
    soci::indicator& indicator = prepared.indicators[i];
    switch (prepared.columns[i]) {
      case ColumnType::kInt64:
        prepared.statement.exchange(soci::into(cell.integer, indicator));
        break;
      case ColumnType::kDouble:
        prepared.statement.exchange(soci::into(cell.real, indicator));
        break;
      case ColumnType::kText:
      case ColumnType::kBytes:
        prepared.statement.exchange(soci::into(cell.text, indicator));
        break;
    }
  }
  using SlotType = Prepared::SlotType;
  for (Prepared::Slot& slot : prepared.slots) {
    switch (slot.type) {
      case SlotType::kInteger:
        prepared.statement.exchange(soci::use(slot.integer, slot.indicator, slot.name));
        break;
      case SlotType::kReal:
        prepared.statement.exchange(soci::use(slot.real, slot.indicator, slot.name));
        break;
      case SlotType::kText:
        prepared.statement.exchange(soci::use(slot.text, slot.indicator, slot.name));
        break;
      case SlotType::kBlob:
        prepared.statement.exchange(soci::use(*slot.blob, slot.indicator, slot.name));
        break;
    }
  }
  prepared.statement.define_and_bind();
  prepared.bound = true;
}

absl::StatusOr<int64_t> SociConnection::RunPrepared(Prepared& prepared, const RowFunction* on_row,
                                                    absl::Status& row_status) {
  soci::details::statement_backend* backend = prepared.statement.get_backend();
  prepared.running = true;
  const absl::Cleanup finish = [&] {
    prepared.running = false;
    Finish(backend);
  };
  const auto step = [&](bool first) -> absl::StatusOr<bool> {
    try {
      if (!first) return prepared.statement.fetch();
      if (!prepared.bound) Bind(prepared);
      return prepared.statement.execute(true);
    } catch (const std::exception&) {
      // SOCI's PostgreSQL parameters keep the value of a run that threw, and would send it for the
      // NULL of the next one.
      prepared.bound = false;
      return ErrorNow(backend);
    }
  };
  IPT_ASSIGN_OR_RETURN(bool more, step(true));
  if (!prepared.columns_checked) {
    if (static_cast<size_t>(ColumnCount(backend)) != prepared.columns.size()) {
      return Internal(absl::StrCat("a statement of ", prepared.columns.size(), " columns returned ",
                                   ColumnCount(backend)));
    }
    prepared.columns_checked = true;
  }
  if (on_row == nullptr) return prepared.statement.get_affected_rows();

  while (more) {
    for (size_t i = 0; i < prepared.cells.size(); ++i) {
      Cell& cell = prepared.cells[i];
      cell.null = prepared.indicators[i] == soci::i_null;
      if (cell.null) {
        cell.text.clear();
      } else if (prepared.columns[i] == ColumnType::kBytes && dialect() == Dialect::kPostgres) {
        DecodeHex(cell.text);
      }
    }
    row_status = (*on_row)(Row(prepared.cells));
    if (!row_status.ok()) return 0;
    IPT_ASSIGN_OR_RETURN(more, step(false));
  }
  return 0;
}

}  // namespace ipt::storage
