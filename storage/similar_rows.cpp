// `find … similar`: the nearest rows, exactly, without looking at most of the table.
//
// A row whose distance is at most r differs in no column by more than r × W / w, where w is the column's weight and W the
// sum of all. So all rows within r lie in a box, whose sides an index finds. The search begins with a small r, in whose
// box a few rows are expected if the table were spread evenly, and asks the database for the nearest of the box. As long as too
// few are found it widens r; as soon as enough are, the farthest of them says how large r has to be. A column for which
// the side would be the whole range, and one that is only the same or not, does not bound the box until r is small
// enough; lacking values count as the greatest difference, so a bounded column leaves them out rightly. At r = 1 there is
// no box, and the answer is that of a plain scan.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "interpreter/core/fnv.h"
#include "interpreter/core/text.h"
#include "storage/scenario_tables.h"
#include "storage/table_parts.h"

namespace sufler::storage {
namespace {

/// How many rows the first box should have for each that is wanted.
constexpr double kFirstGuess = 4;
/// A box is a little larger than it must be, for what rounding takes.
constexpr double kSlack = 1e-9;
constexpr std::int64_t kFewValues = 32;
/// So many are looked at sooner than the box is found.
constexpr std::int64_t kFewRows = 200;

struct Dimension {
  Nearness near;
  Seen column;
  bool measured = false;  ///< by distance; else by equality
  double wanted = 0;
  double span = 0;         ///< the distance that counts as 1; 0: all values are the same
  std::optional<double> within = {};  ///< none: however far
  bool boxed = true;       ///< whether an index finds values between two others
  std::vector<std::string> spellings = {};  ///< of the wanted text, as rows have it; never empty for texts
};

/// What is measured of a column, as a real number.
std::string measure_expression(const Dialect& dialect, const Seen& column) {
  const std::string name = quote_name(column.name);
  if (dialect.shared) {
    if (column.type == ColumnType::Date) return "CAST(CAST(" + name + " AS DATE) - DATE '1970-01-01' AS DOUBLE PRECISION)";
    if (column.type == ColumnType::Time) return "CAST(EXTRACT(EPOCH FROM CAST(" + name + " AS TIME)) AS DOUBLE PRECISION)";
    return "CAST(" + name + " AS DOUBLE PRECISION)";
  }
  if (column.type == ColumnType::Date) return "(julianday(" + name + ") - 2440587.5)";
  if (column.type == ColumnType::Time) return "(strftime('%s', '1970-01-01 ' || " + name + ") + 0.0)";
  return "CAST(" + name + " AS REAL)";
}

class Search {
 public:
  Search(soci::session& sql, const Dialect& dialect, KeptStatements* kept, const Table& table, const FindRows& find)
      : sql_(sql), dialect_(dialect), kept_(kept), table_(table), find_(find), sql_name_(quote_name(table.name)) {}

  Stored<List> run() {
    if (auto done = look_at_columns(); !done) return Error{done.error()};
    const bool all = !find_.limit || *find_.limit >= INT32_MAX;
    const std::size_t limit = all ? SIZE_MAX : static_cast<std::size_t>(std::max<std::int64_t>(*find_.limit, 0));
    if (limit == 0) return List();
    double radius = all ? 1 : first_radius(limit);
    std::vector<Found> found;
    for (;;) {
      if (auto done = nearest(radius, limit, found); !done) return Error{done.error()};
      if (radius >= 1) break;
      if (found.size() < limit) {
        const double growth = found.empty() ? 4 : std::pow(2 * static_cast<double>(limit) / static_cast<double>(found.size()), 1 / measured());
        radius = std::min(1.0, radius * std::clamp(growth, 1.5, 4.0));
        continue;
      }
      const double farthest = static_cast<double>(found.back().units + 1) / kDistanceUnits;
      if (farthest <= radius) break;
      radius = std::min(1.0, farthest);
    }
    return rows(found);
  }

 private:
  struct Found {
    std::int64_t id = 0, units = 0;
  };

  Stored<Done> look_at_columns() {
    for (const Condition& condition : find_.conditions) {
      const std::optional<Nearness> near = nearness_of(condition);
      if (!near) continue;
      const std::optional<Seen> column = column_of(table_, near->column);
      if (!column) return Error{no_column(table_, near->column)};
      Dimension one{*near, *column};
      one.measured = likeness_of(column->type) == Likeness::Distance;
      if (one.measured) {
        const auto wanted = measure_of(column->type, near->to);
        if (!wanted) return Error{StorageError{StorageError::Kind::Other, "column `" + column->name + "` is measured by a value of another type"}};
        one.wanted = *wanted;
        if (near->within) one.within = near->within->of_wanted ? std::fabs(one.wanted) * near->within->amount : near->within->amount;
        if (auto done = measure(one); !done) return done;
      }
      weights_ += near->weight;
      dimensions_.push_back(std::move(one));
    }
    look_at_spellings();
    return Done{};
  }

  /// What is the same to `like`: case, `ё` and punctuation aside. In a table of more rows a text is the same only when it is
  /// written the same: whoever has so many writes them by a program, and looking at each would take longer than the search.
  void look_at_spellings() {
    struct Column {
      Dimension* of;
      std::string folded, value = {};
      soci::indicator there = soci::i_ok;
      std::unordered_set<std::string> known = {};
    };
    std::vector<Column> columns;
    for (Dimension& one : dimensions_) {
      const std::string* wanted = one.measured ? nullptr : one.near.to.text();
      if (!wanted) continue;
      one.spellings.push_back(*wanted);
      if (std::string folded = fold(*wanted); !folded.empty()) columns.push_back({&one, std::move(folded)}), columns.back().known.insert(*wanted);
    }
    if (columns.empty() || !is_small()) return;
    Query query(sql_, kept_);
    query << "SELECT ";
    for (Column& one : columns) {
      query << (&one == columns.data() ? "" : ", ") << quote_name(one.of->column.name);
      query.column(one.value, one.there);
    }
    query << " FROM " << sql_name_;
    query.run(false);
    while (query.fetch())
      for (Column& one : columns)
        if (one.there == soci::i_ok && one.known.insert(one.value).second && fold(one.value) == one.folded) one.of->spellings.push_back(one.value);
  }

  /// Told by the ids, which an index has, and not by counting. Each end by itself: SQLite looks at all rows for both at once.
  bool is_small() {
    constexpr std::int64_t kMostLookedAt = 5000;
    if (!small_) {
      std::int64_t span = 0;
      Query query(sql_, kept_);
      query << "SELECT coalesce((SELECT max(id) FROM " << sql_name_ << ") - (SELECT min(id) FROM " << sql_name_ << "), 0)";
      query.column(span);
      query.run(true);
      small_ = span < kMostLookedAt;
    }
    return *small_;
  }

  /// The span of a column: between its least and greatest value, which an index knows.
  Stored<Done> measure(Dimension& one) {
    const std::string name = quote_name(one.column.name);
    // SQLite keeps numbers of many digits as texts (dialect.cpp), which no range of numbers finds.
    const bool may_be_text = !dialect_.shared && one.column.type == ColumnType::Number;
    if (may_be_text) {
      std::int64_t texts = 0;
      Query query(sql_, kept_);
      query << "SELECT count(*) FROM (SELECT 1 FROM " << sql_name_ << " WHERE " << name << " >= '' LIMIT 1)";
      query.column(texts);
      query.run(true);
      one.boxed = texts == 0;
    }
    if (one.within) {
      one.span = *one.within;
      return Done{};
    }
    double ends[2] = {0, 0};
    for (int i = 0; i < 2; ++i) {
      const char* const function = i == 0 ? "min(" : "max(";
      if (!one.boxed) {
        soci::indicator there = soci::i_ok;
        sql_ << std::string("SELECT ") + function + "CAST(" + name + " AS REAL)) FROM " + sql_name_, soci::into(ends[i], there);
        if (there == soci::i_null) return Done{};
        continue;
      }
      std::string text;
      soci::indicator there = soci::i_ok;
      const std::string end = function + name + ")";
      Query query(sql_, kept_);
      query << "SELECT " << (one.column.type == ColumnType::Number ? dialect_.number_text(end) : end) << " FROM " << sql_name_;
      query.column(text, there);
      query.run(true);
      if (there == soci::i_null) return Done{};  // no row has a value: the span does not matter
      const std::optional<Value> value = from_column(one.column, text);
      const auto measured = value ? measure_of(one.column.type, *value) : std::nullopt;
      if (!measured)
        return Error{StorageError{StorageError::Kind::Corrupt, "table `" + table_.name + "`: column `" + one.column.name + "` holds what is no " + name_of(one.column.type)}};
      ends[i] = *measured;
    }
    one.span = ends[1] - ends[0];
    return Done{};
  }

  double measured() const {
    const auto count = std::count_if(dimensions_.begin(), dimensions_.end(), [](const Dimension& one) { return one.measured; });
    return static_cast<double>(std::max<std::ptrdiff_t>(count, 1));
  }

  /// Whose box has kFirstGuess rows for each wanted one when values are spread evenly. Mostly the nearest of them are farther
  /// than r, and tell how large it has to be; where rows lie close together, a first box any larger would hold thousands.
  double first_radius(std::size_t limit) {
    std::int64_t rows = 0;
    Query query(sql_, kept_);
    query << "SELECT COALESCE((SELECT max(id) FROM " << sql_name_ << ") - (SELECT min(id) FROM " << sql_name_ << ") + 1, 0)";
    query.column(rows);
    query.run(true);
    if (rows <= kFewRows) return 1;
    double volume = kFirstGuess * static_cast<double>(limit) / static_cast<double>(rows);
    double count = 0;
    for (const Dimension& one : dimensions_) {
      if (!one.measured) continue;
      count += 1;
      volume *= one.near.weight / (2 * weights_);
    }
    if (count > 0) return std::clamp(std::pow(volume, 1 / count), 1e-7, 1.0);
    // Nothing is measured: first those that are the same in all columns.
    double least = weights_;
    for (const Dimension& one : dimensions_) least = std::min(least, one.near.weight);
    return 0.99 * least / weights_;
  }

  // ---- the query

  void real(Query& query, double value) {
    if (dialect_.shared) {
      query << "CAST(";
      query.bind(value) << " AS DOUBLE PRECISION)";
    } else {
      query.bind(value);
    }
  }

  Stored<Done> bind_equal(Query& query, const Dimension& one) {
    const std::string name = quote_name(one.column.name);
    const auto bind = [&](const Value& value) -> Stored<Done> {
      const Converted bound = to_column(dialect_, table_, one.column, value);
      if (!bound) return Error{bound.error()};
      query.bind(*bound);
      return Done{};
    };
    if (one.spellings.size() <= 1) {
      query << name << " = ";
      return bind(one.near.to);
    }
    query << name << " IN (";
    for (std::size_t i = 0; i < one.spellings.size(); ++i) {
      if (i != 0) query << ", ";
      if (auto done = bind(Value(one.spellings[i])); !done) return done;
    }
    query << ")";
    return Done{};
  }

  /// A whole number from 0 to kDistanceUnits: the same on each database, since all is done with the same doubles in the
  /// same order.
  Stored<Done> add_distance(Query& query) {
    query << (dialect_.shared ? "CAST(FLOOR((" : "CAST((");
    for (std::size_t i = 0; i < dimensions_.size(); ++i) {
      const Dimension& one = dimensions_[i];
      if (i != 0) query << " + ";
      real(query, one.near.weight);
      query << " * (CASE WHEN ";
      if (!one.measured) {
        if (auto done = bind_equal(query, one); !done) return done;
        query << " THEN 0.0 ELSE 1.0 END)";
        continue;
      }
      query << quote_name(one.column.name) << " IS NULL THEN 1.0 ";
      if (one.span > 0) {
        query << "ELSE " << (dialect_.shared ? "LEAST(" : "min(") << "1.0, abs(" << measure_expression(dialect_, one.column) << " - ";
        real(query, one.wanted);
        query << ") / ";
        real(query, one.span);
        query << ") END)";
      } else {
        query << "WHEN " << measure_expression(dialect_, one.column) << " = ";
        real(query, one.wanted);
        query << " THEN 0.0 ELSE 1.0 END)";
      }
    }
    query << ") / ";
    real(query, weights_);
    query << " * ";
    real(query, kDistanceUnits);
    query << " + ";
    real(query, 0.5);
    query << (dialect_.shared ? ") AS BIGINT)" : " AS INTEGER)");
    return Done{};
  }

  /// `column BETWEEN wanted - half AND wanted + half`, a little wider, as an index has the values.
  void add_side(Query& query, const Dimension& one, double half) {
    const double slack = kSlack * std::max({1.0, std::fabs(one.wanted), half});
    double low = one.wanted - half - slack, high = one.wanted + half + slack;
    if (one.column.type == ColumnType::Integer) {
      // Floors and rooms: with a few values named an index goes on to find the next column within each of them.
      const auto [from, to] = whole_ends(low, high);
      if (from <= to && to - from < kFewValues) {
        query << quote_name(one.column.name) << " IN (";
        for (std::int64_t value = from; value <= to; ++value) {
          if (value != from) query << ", ";
          query.bind(value);
        }
        query << ")";
        return;
      }
    }
    query << quote_name(one.column.name) << " BETWEEN ";
    const auto both = [&](const Bound& from, const Bound& to) {
      query.bind(from) << " AND ";
      query.bind(to);
    };
    switch (one.column.type) {
      case ColumnType::Number:
        if (!dialect_.shared) return both(low, high);
        query << "CAST(";
        query.bind(digits(low)) << " AS NUMERIC) AND CAST(";
        query.bind(digits(high)) << " AS NUMERIC)";
        return;
      case ColumnType::Date: {
        constexpr double kFirst = -719162, kLast = 2932896;  // of the years 1 to 9999
        low = std::clamp(std::floor(low), kFirst, kLast), high = std::clamp(std::ceil(high), kFirst, kLast);
        return both(Date{static_cast<std::int32_t>(low)}.to_iso(), Date{static_cast<std::int32_t>(high)}.to_iso());
      }
      case ColumnType::Time:
        low = std::clamp(std::floor(low), 0.0, 86399.0), high = std::clamp(std::ceil(high), 0.0, 86399.0);
        return both(clock(low), clock(high));
      default: {
        const auto [from, to] = whole_ends(low, high);
        return both(from, to);
      }
    }
  }
  static std::pair<std::int64_t, std::int64_t> whole_ends(double low, double high) {
    constexpr double kMost = 9e18;
    return {static_cast<std::int64_t>(std::clamp(std::ceil(low), -kMost, kMost)), static_cast<std::int64_t>(std::clamp(std::floor(high), -kMost, kMost))};
  }

  static std::string digits(double value) {
    char text[64];
    std::snprintf(text, sizeof text, "%.17g", value);
    return text;
  }
  static std::string clock(double seconds) {
    const int whole = static_cast<int>(seconds);
    char text[16];
    std::snprintf(text, sizeof text, "%02d:%02d:%02d", whole / 3600 % 24, whole / 60 % 60, whole % 60);
    return text;
  }

  Stored<Done> add_where(Query& query, double radius) {
    std::string_view joint = " WHERE ";
    const auto next = [&] {
      query << joint;
      joint = " AND ";
    };
    for (const Dimension& one : dimensions_) {
      const double most = radius * weights_ / one.near.weight;  // of the difference in this column
      if (!one.measured) {
        if (most >= 1) continue;
        next();
        if (auto done = bind_equal(query, one); !done) return done;
        continue;
      }
      if (one.boxed && (most < 1 || one.within)) {
        next();
        add_side(query, one, most < 1 ? most * one.span : *one.within);
      }
      if (one.within) {
        next();
        query << "abs(" << measure_expression(dialect_, one.column) << " - ";
        real(query, one.wanted);
        query << ") <= ";
        real(query, *one.within);
      }
    }
    for (const Condition& condition : find_.conditions) {
      if (condition.op == kNearOperator) continue;
      next();
      if (auto done = add_condition(query, dialect_, table_, condition); !done) return done;
    }
    return Done{};
  }

  Stored<Done> nearest(double radius, std::size_t limit, std::vector<Found>& found) {
    found.clear();
    Query query(sql_, kept_);
    query << "SELECT id, ";
    if (auto done = add_distance(query); !done) return done;
    query << " AS distance_of_row FROM " << sql_name_;
    if (auto done = add_where(query, radius); !done) return done;
    query << " ORDER BY distance_of_row, ";
    for (const SortKey& key : find_.sort) {
      const std::optional<Seen> column = column_of(table_, key.column);
      if (!column) return Error{no_column(table_, key.column)};
      const std::string name = quote_name(column->name);
      query << name << " IS NULL, " << (column->type == ColumnType::Number ? dialect_.number_order(name) : name) << (key.descending ? " DESC, " : ", ");
    }
    query << "id";
    if (limit != SIZE_MAX) {
      query << " LIMIT ";
      query.bind(static_cast<std::int64_t>(limit));
    }
    Found one;
    query.column(one.id);
    query.column(one.units);
    query.run(false);
    while (query.fetch()) found.push_back(one);
    return Done{};
  }

  Stored<List> rows(const std::vector<Found>& found) {
    constexpr std::size_t kAtOnce = 200;
    List all(found.size());
    for (std::size_t begin = 0; begin < found.size(); begin += kAtOnce) {
      const std::size_t end = std::min(begin + kAtOnce, found.size());
      std::unordered_map<std::int64_t, std::size_t> place;
      Query query(sql_, kept_);
      Reader reader(table_);
      query << "SELECT " << reader.list(dialect_) << " FROM " << sql_name_ << " WHERE id IN (";
      for (std::size_t i = begin; i < end; ++i) {
        place.emplace(found[i].id, i);
        if (i != begin) query << ", ";
        query.bind(found[i].id);
      }
      query << ")";
      reader.attach(query);
      query.run(false);
      while (query.fetch()) {
        Stored<ValueMap> row = reader.row();
        if (!row) return Error{row.error()};
        const Value* id = row->find("id");
        const auto at = place.find(id && id->number() ? id->number()->to_int64().value_or(0) : 0);
        if (at == place.end()) continue;
        sufler::add_distance(*row, found[at->second].units);
        all[at->second] = Value(std::move(*row));
      }
    }
    return all;
  }

  soci::session& sql_;
  const Dialect& dialect_;
  KeptStatements* const kept_;
  const Table& table_;
  const FindRows& find_;
  const std::string sql_name_;
  std::optional<bool> small_;
  std::vector<Dimension> dimensions_;
  double weights_ = 0;
};

constexpr std::string_view kIndexPrefix = "sufler_similar_";

/// Columns in the order in which an index leaves the fewest rows to look at. A database goes straight to what is equal or
/// one of a few, and to the values between two others of the first column behind these; of what comes later it reads all.
/// So first what is equal, then whole numbers of a small span, then what must lie `within` something, and of the rest first
/// where the values are spread most: where most of them lie close together, for one far value, the sides of a box leave
/// nearly all in.
std::vector<std::string> index_order(soci::session& sql, const Dialect& dialect, const Table& table, const Similarity& similarity, std::vector<std::string> columns) {
  constexpr double kSmallSpan = 200;
  struct Place {
    int rank = 0;
    double spread = 0;  ///< how far values are from their mean, on the average, as a part of what all span
  };
  std::map<std::string, Place> places;
  for (const std::string& name : columns) {
    const std::optional<Seen> column = column_of(table, name);
    if (!column || likeness_of(column->type) != Likeness::Distance) continue;
    const std::string measured = measure_expression(dialect, *column), from = " FROM " + quote_name(table.name);
    double least = 0, most = 0, mean = 0, away = 0;
    soci::indicator there = soci::i_ok, there_most = soci::i_ok, there_mean = soci::i_ok;
    sql << "SELECT min(" + measured + "), max(" + measured + "), avg(" + measured + ")" + from, soci::into(least, there), soci::into(most, there_most), soci::into(mean, there_mean);
    if (there == soci::i_null || most <= least) return columns;  // no rows yet, or none that tell
    sql << "SELECT avg(abs(" + measured + " - :mean))" + from, soci::use(mean), soci::into(away);
    const bool few = column->type == ColumnType::Integer && most - least <= kSmallSpan;
    const bool within = std::any_of(similarity.near.begin(), similarity.near.end(), [&](const Similarity::Near& near) { return near.column == name && near.within; });
    places[name] = {few ? 1 : within ? 2 : 3, few ? 0 : away / (most - least)};
  }
  std::stable_sort(columns.begin(), columns.end(), [&](const std::string& a, const std::string& b) {
    const Place &x = places[a], &y = places[b];
    return x.rank != y.rank ? x.rank < y.rank : x.spread > y.spread;
  });
  return columns;
}

}  // namespace

Stored<List> ScenarioTables::find_similar(const Table& table, const FindRows& find) { return Search(sql_, dialect_, kept_, table, find).run(); }

void ScenarioTables::prepare_indexes(const Table& table, const Similarity& similarity) {
  const auto make = [&](const std::vector<std::string>& columns) {
    Fnv1a mark;
    mark.bytes(table.name);
    for (const std::string& column : columns) mark.number('\n').bytes(column);
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(mark.value()));
    const std::string name = std::string(kIndexPrefix) + digits;
    int exists = 0;
    sql_ << std::string(dialect_.shared ? dialect_.table_exists : "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name = :name"),
        soci::use(name), soci::into(exists);
    // Whoever has no rights to make one is only asked to when it is missing.
    if (exists != 0) return;
    std::string list;
    for (const std::string& column : columns.size() > 1 ? index_order(sql_, dialect_, table, similarity, columns) : columns) list += (list.empty() ? "" : ", ") + quote_name(column);
    // SQLite has the id in each index; with it in one of PostgreSQL's no row is fetched that is not among the nearest.
    sql_ << "CREATE INDEX " + quote_name(name) + " ON " + quote_name(table.name) + " (" + list + (dialect_.shared && columns.size() > 1 ? ") INCLUDE (id)" : ")");
  };
  // Each alone: it knows the least and the greatest value, and stands in where the others do not bound the box.
  for (const std::string& name : similarity.index) {
    const std::optional<Seen> column = column_of(table, name);
    if (column && likeness_of(column->type) == Likeness::Distance) make({name});
  }
  if (similarity.index.size() > 1) make(similarity.index);
}

void ScenarioTables::drop_indexes(const Table& table) {
  if (dialect_.shared) return;
  std::vector<std::string> names;
  std::string name;
  soci::statement query = (sql_.prepare << "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = :table AND substr(name, 1, 15) = 'sufler_similar_'",
                           soci::use(table.name), soci::into(name));
  query.execute();
  while (query.fetch()) names.push_back(name);
  for (const std::string& one : names) sql_ << "DROP INDEX " + quote_name(one);
}

}  // namespace sufler::storage
