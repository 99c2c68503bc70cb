#include "platform/rpc/paging.h"

#include "gtest/gtest.h"
#include "ipt/scheduling/v1/course_service.pb.h"
#include "ipt/scheduling/v1/event_service.pb.h"
#include "ipt/scheduling/v1/therapist_service.pb.h"
#include "tests/support/status_matchers.h"

namespace ipt::rpc {
namespace {

using ::ipt::scheduling::v1::ListCoursesRequest;
using ::ipt::scheduling::v1::ListTherapistsRequest;
using ::ipt::testing::HasBadFields;

ListCoursesRequest Request() {
  ListCoursesRequest request;
  request.set_parent("clinics/a");
  return request;
}

TEST(PagingTest, SizeDefaultsAndIsCut) {
  ListCoursesRequest request = Request();
  EXPECT_EQ(OpenPage(request)->size, 50);
  request.set_page_size(7);
  EXPECT_EQ(OpenPage(request)->size, 7);
  request.set_page_size(1'000'000);
  EXPECT_EQ(OpenPage(request)->size, 1000);
  request.set_page_size(-1);
  EXPECT_THAT(OpenPage(request), HasBadFields("page_size"));
}

TEST(PagingTest, ATokenComesBackAsTheCursorWhateverTheSize) {
  ListCoursesRequest request = Request();
  const std::string cursor("c\0\xff", 3);
  request.set_page_token(NextPageToken(request, cursor));
  request.set_page_size(3);
  ASSERT_OK_AND_ASSIGN(const Page page, OpenPage(request));
  EXPECT_EQ(page.cursor, cursor);
}

TEST(PagingTest, ATokenOfAnotherListIsRefused) {
  ListCoursesRequest request = Request();
  const std::string token = NextPageToken(request, "c1");
  request.set_therapist("clinics/a/therapists/t");
  request.set_page_token(token);
  EXPECT_THAT(OpenPage(request), HasBadFields("page_token"));

  ListTherapistsRequest other;
  other.set_parent("clinics/a");
  other.set_page_token(token);
  EXPECT_THAT(OpenPage(other), HasBadFields("page_token"));
}

TEST(PagingTest, ATokenOfAnotherPlaceIsRefused) {
  ListCoursesRequest request = Request();
  const std::string token = NextPageToken(request, "course-1");
  for (const std::string& altered :
       {token.substr(0, token.size() - 4), token + "AAAA", token.substr(0, 12) + "AAAA"}) {
    request.set_page_token(altered);
    EXPECT_THAT(OpenPage(request), HasBadFields("page_token")) << altered;
  }
}

TEST(PagingTest, APositionElsewhereIsBoundToItsRequest) {
  scheduling::v1::WatchEventsRequest request;
  request.set_parent("clinics/a");
  const std::string token = SealPosition(request, "place");
  request.set_cursor(token);
  EXPECT_EQ(OpenPosition(request, token), "place");
  EXPECT_EQ(OpenPosition(request, token.substr(0, token.size() - 4)), std::nullopt);
  request.set_parent("clinics/b");
  EXPECT_EQ(OpenPosition(request, token), std::nullopt);
}

TEST(PagingTest, GarbageIsRefused) {
  ListCoursesRequest request = Request();
  for (const char* garbage : {"x", "????", "AAAA", "AAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAA"}) {
    request.set_page_token(garbage);
    EXPECT_THAT(OpenPage(request), HasBadFields("page_token")) << garbage;
  }
}

}  // namespace
}  // namespace ipt::rpc
