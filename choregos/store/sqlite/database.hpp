// SQLite's C interface with owners: a connection, its statements, a transaction. Nothing about agents.
// One thread at a time.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "choregos/base/result.hpp"

namespace choregos::store {

/// A prepared statement. Bind, step until it says false, then reset before the next use. Parameters count from 1, columns
/// from 0. Bound text must live until reset.
class SqlStatement {
 public:
  SqlStatement() = default;
  explicit SqlStatement(sqlite3_stmt* statement) : statement_(statement) {}

  SqlStatement& bind(int index, std::string_view text);
  SqlStatement& bind(int index, std::int64_t number);
  /// True when there is a row. Errors: io, invalid (damaged), with SQLite's words.
  Result<bool> step();
  /// For statements without rows: steps once and resets, whatever happens.
  Result<void> run();
  void reset() { sqlite3_reset(statement_.get()); }
  std::string_view text(int column) const;  ///< until the next step or reset
  std::int64_t number(int column) const { return sqlite3_column_int64(statement_.get(), column); }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  Database() = default;
  /// Opens an existing file for reading and writing. Errors: io.
  static Result<Database> open(const std::string& path);

  bool is_open() const { return connection_ != nullptr; }
  /// Statements must be gone before.
  void close() { connection_.reset(); }
  /// Runs statements whose rows do not matter.
  Result<void> run(const std::string& sql);
  Result<SqlStatement> prepare(std::string_view sql);
  /// First column of the first row.
  Result<std::int64_t> number(std::string_view sql);
  Result<std::string> text(std::string_view sql);
  /// Makes `destination` the same as this database, in one transaction: all of it or nothing. Writers here are not held up when it is in
  /// WAL mode; what they write meanwhile is not in the copy. Errors: io, invalid (damaged).
  Result<void> copy_to(Database& destination);
  bool in_transaction() const { return sqlite3_get_autocommit(connection_.get()) == 0; }

 private:
  struct Close {
    void operator()(sqlite3* connection) const { sqlite3_close(connection); }
  };
  std::unique_ptr<sqlite3, Close> connection_;
};

/// BEGIN IMMEDIATE … COMMIT; rolls back when it goes without a commit.
class SqlTransaction {
 public:
  explicit SqlTransaction(Database& database) : database_(database) {}
  SqlTransaction(const SqlTransaction&) = delete;
  SqlTransaction& operator=(const SqlTransaction&) = delete;
  ~SqlTransaction();
  Result<void> begin() { return database_.run("BEGIN IMMEDIATE"); }
  Result<void> commit() { return database_.run("COMMIT"); }

 private:
  Database& database_;
};

}  // namespace choregos::store
