// Stores that earlier releases made go on with this one, and the copy's tables are the same in them
// as in a store that begins with the component of their own. On both engines.
#include "outcomes/storage/outcomes_migrations.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "course_copies/storage/course_copies_migrations.h"
#include "course_copies/storage/sql_course_copies.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/status_macros.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::outcomes {
namespace {

using ipt::testing::IsOk;
using ipt::testing::TempDatabase;
using storage::ColumnType;
using storage::Connection;
using storage::Dialect;
using storage::Row;
using ::testing::ElementsAreArray;
using ::testing::IsSupersetOf;
using ::testing::SizeIs;

// What releases have written into schema_migrations: never edited, only added to.
std::vector<std::string> Released(Dialect dialect) {
  if (dialect == Dialect::kSqlite) {
    return {
        "1 0001_course_copies 280cdbba36a9d2912c34af9461e38d846c54c155d9e28c392e2fcd4778f68b01",
        "2 0002_measurements 3f3f2f68088bf4c03b7d1f880bd28791df333bb61ad2c0c649c2248055beef17",
        "3 0003_alerts 9e508ee15399b0a4b8a1e272adf7e3acc7bae104c35c48f227e3189d9a1c7a19",
        "4 0004_unsettled 1ff5e565dbe45478dde6274cc0d395932bbcf35bc30a4462d52632e16dd09944",
        "5 0005_measurement_plans "
        "f29179196cb7d97828d310cde6702122f2b8d553517c32c3ac512e0087215922",
        "6 0006_measurement_imports "
        "67754f13a250f18f76c84d3ffd8c87d5898247ef30e747e75dc3bde0bec28e58",
        "7 0007_course_results 3a27e8131ce566e54126414dd1c51d2f7d3713491a828b271eaa9b5dd4109010",
    };
  }
  return {
      "1 0001_course_copies 34fb998c9c0408bcc9e6ea2f2639e0fc6e909df4de64d6fe1cec690fa3abae7a",
      "2 0002_measurements ad9809b00277fda1197787f02bb76a6f9d1ee676745975c836c5d6a58400b8b5",
      "3 0003_alerts 73dcb1192a0b24d06ec96573869a7aa029aeec256f406695a4e97b63cd9143f0",
      "4 0004_unsettled 1ff5e565dbe45478dde6274cc0d395932bbcf35bc30a4462d52632e16dd09944",
      "5 0005_measurement_plans ff35e52edc394bd034ad3c2273e7cdbe986885c4ecfc3b542f72fb1360864f80",
      "6 0006_measurement_imports "
      "4aeed80325ba688db0c97be3574c575a8559f28a8cd48c45ca77c449ed960d7c",
      "7 0007_course_results 32d9f0afb5c1395d3cd96c9b13b69174039dd887f20bab855309a530ea915e3b",
  };
}

class OutcomesMigrationsTest : public ::testing::TestWithParam<Dialect> {
 protected:
  static std::vector<std::string> Texts(TempDatabase& db, const std::string& sql) {
    std::vector<std::string> texts;
    EXPECT_OK(db->Read({}, [&](Connection& conn) {
      return conn.Query({sql, {ColumnType::kText}}, {}, [&](const Row& row) {
        texts.push_back(row.Text(0));
        return absl::OkStatus();
      });
    }));
    return texts;
  }
  // Columns and indices of tables of the copy.
  static std::vector<std::string> Shape(TempDatabase& db) {
    std::vector<std::string> shape;
    const auto add = [&](const std::string& sql) {
      const std::vector<std::string> texts = Texts(db, sql);
      shape.insert(shape.end(), texts.begin(), texts.end());
    };
    const std::string of_copy =
        "('course_copies', 'course_session_copies', 'therapist_copies', 'time_off_copies')";
    if (GetParam() == Dialect::kSqlite) {
      add("SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || "
          "COALESCE(c.dflt_value, '-') || ' ' || c.pk FROM sqlite_master m, "
          "pragma_table_info(m.name) c WHERE m.name IN " +
          of_copy + " ORDER BY 1");
      add("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name "
          "IN " +
          of_copy + " ORDER BY 1");
    } else {
      add("SELECT CAST(table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable "
          "|| ' ' || COALESCE(column_default, '-') || ' ' || COALESCE(collation_name, '-') AS "
          "TEXT) "
          "FROM information_schema.columns WHERE table_name IN " +
          of_copy + " ORDER BY 1");
      add("SELECT indexdef FROM pg_indexes WHERE tablename IN " + of_copy + " ORDER BY 1");
    }
    return shape;
  }
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(OutcomesMigrationsTest);

TEST_P(OutcomesMigrationsTest, AStoreOfAFormerReleaseGoesOn) {
  const storage::Component& now = OutcomesMigrations();
  const std::vector<std::string> released = Released(GetParam());
  ASSERT_GE(now.For(GetParam()).size(), released.size());
  TempDatabase db(GetParam(), {{now.name, now.sqlite.first(released.size()),
                                now.postgres.first(released.size())}});
  const std::string migrated =
      "SELECT CAST(version AS TEXT) || ' ' || name || ' ' || checksum FROM schema_migrations "
      "WHERE component = 'outcomes' ORDER BY version";
  // So that what was just made is what a former release makes.
  ASSERT_THAT(Texts(db, migrated), ElementsAreArray(released));
  courses::CopiedCourse course;
  course.clinic_id = "north";
  course.course_id = "c1";
  EXPECT_OK(db->Write({}, [&](Connection& conn) {
    return courses::SqlCourseCopies::PutCourse(conn, course, {}).status();
  }));

  EXPECT_OK(storage::Migrate(*db, {now}, SystemClock()));
  EXPECT_OK(storage::CheckSchema(*db, {now}));
  EXPECT_THAT(Texts(db, migrated), SizeIs(now.For(GetParam()).size()));
  EXPECT_THAT(Texts(db, migrated), IsSupersetOf(released));
  EXPECT_THAT(Texts(db, "SELECT course_id FROM course_copies"),
              ElementsAreArray({std::string("c1")}));
}

TEST_P(OutcomesMigrationsTest, TheCopysTablesAreThoseOfTheirOwnComponent) {
  TempDatabase outcomes(GetParam(), {OutcomesMigrations()});
  TempDatabase another(GetParam(), {courses::CourseCopiesMigrations()});
  EXPECT_GT(Shape(another).size(), 30u);
  EXPECT_EQ(Shape(outcomes), Shape(another));
}

}  // namespace
}  // namespace ipt::outcomes
