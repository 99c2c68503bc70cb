#include "iptctl/page.h"

#include "absl/strings/str_cat.h"

namespace ipt::ctl {
namespace {

constexpr char kPageCss[] = R"(
:root{color-scheme:light dark;--paper:#fff;--ink:#1c2733;--muted:#52606d;--rule:#d5dce3;
--soft:#f3f6f9;--warn:#8a5300;--warnpaper:#fff7e8;--accent:#0b4f8a}
@media screen and (prefers-color-scheme:dark){
:root{--paper:#12171d;--ink:#e6ebf0;--muted:#a9b4bf;--rule:#313c47;--soft:#1a2129;--warn:#f0b45a;
--warnpaper:#2a2113;--accent:#74b9f5}
}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,
'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;overflow-wrap:anywhere}
main{max-width:1040px;margin:0 auto;padding:28px 24px 56px}
h1{font-size:1.65rem;line-height:1.25;margin:0 0 .3rem}
h2{font-size:1.25rem;margin:2.4rem 0 .6rem;padding-bottom:.25rem;border-bottom:2px solid var(--rule)}
h3{font-size:1.02rem;margin:1.4rem 0 .4rem}
p{margin:.4rem 0;max-width:74ch}
.lead,.muted{color:var(--muted)}
.notes{border-left:5px solid var(--warn);background:var(--warnpaper);padding:.7rem 1rem;
margin:1.1rem 0}
.notes h2{border:0;margin:0 0 .3rem;padding:0;font-size:1rem;color:var(--warn)}
.notes ul{margin:0;padding-left:1.2rem}
figure{margin:1rem 0}
.chart{display:block;width:100%;height:auto}
.narrow{display:none}
.scroll{overflow-x:auto;margin:.6rem 0 1rem}
table{border-collapse:collapse;width:100%;font-size:.92rem;line-height:1.4;overflow-wrap:normal}
caption{text-align:left;font-weight:600;padding:.3rem 0}
th,td{text-align:left;vertical-align:top;padding:.42rem .9rem .42rem 0;
border-bottom:1px solid var(--rule)}
thead th{border-bottom:2px solid var(--rule);color:var(--muted);font-weight:600}
tbody th{font-weight:600}
.w{white-space:nowrap}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
details{margin:1rem 0}
summary{cursor:pointer;font-weight:600}
dl{margin:.6rem 0}
dt{font-weight:600;margin-top:.7rem}
dd{margin:0 0 0 1.2rem;max-width:74ch}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,250px),1fr));gap:12px;
margin:1rem 0}
.tile{background:var(--soft);border:1px solid var(--rule);border-radius:6px;padding:.8rem 1rem}
.tile b{display:block;font-size:1.75rem;line-height:1.2;font-variant-numeric:tabular-nums}
.tile span{display:block;color:var(--muted);font-size:.86rem;line-height:1.35}
.tile .name{color:var(--ink);font-weight:600;font-size:.92rem}
.tile .hidden{font-size:1.05rem;line-height:1.6rem;padding:.25rem 0}
.panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));
gap:8px 28px}
.panels figure{margin:.4rem 0}
footer{margin-top:3rem;padding-top:.8rem;border-top:1px solid var(--rule);color:var(--muted);
font-size:.86rem}
@media screen and (max-width:640px){
main{padding:18px 14px 40px}
.wide{display:none}
.narrow{display:block}
}
@media print{
body{font-size:10.5pt}
main{max-width:none;padding:0}
h2,h3{break-after:avoid}
figure,tr,.tile,.notes{break-inside:avoid}
.scroll{overflow:visible}
details>summary{list-style:none}
}
)";

}  // namespace

void WriteTable(const PageTable& table, Markup& out) {
  if (table.rows.empty()) return;
  // Wide ones scroll by themselves, with the keyboard, too.
  out.Open(
      "div",
      {{"class", "scroll"}, {"role", "region"}, {"tabindex", "0"}, {"aria-label", table.caption}});
  out.Open("table");
  out.Element("caption", table.caption);
  out.Open("thead");
  out.Open("tr");
  const auto cell = [&](absl::string_view tag, absl::string_view text, const PageColumn& column,
                        absl::string_view scope) {
    Attributes attributes;
    if (!scope.empty()) attributes.emplace_back("scope", std::string(scope));
    if (column.number || column.whole) attributes.emplace_back("class", column.number ? "n" : "w");
    out.Element(tag, text, attributes);
  };
  for (const PageColumn& column : table.columns) cell("th", column.heading, column, "col");
  out.Close();
  out.Close();
  out.Open("tbody");
  for (const std::vector<std::string>& row : table.rows) {
    out.Open("tr");
    for (size_t i = 0; i < row.size(); ++i) {
      cell(i == 0 ? "th" : "td", row[i], table.columns[i], i == 0 ? "row" : "");
    }
    out.Close();
  }
  out.Close();
  out.Close();
  out.Close();
}

void WriteNotes(absl::string_view heading, const std::vector<std::string>& notes, Markup& out) {
  if (notes.empty()) return;
  out.Open("section", {{"class", "notes"}});
  out.Element("h2", heading);
  out.Open("ul");
  for (const std::string& note : notes) out.Element("li", note);
  out.Close();
  out.Close();
}

void WriteFigure(absl::string_view wide, absl::string_view narrow, Markup& out) {
  out.Open("figure");
  out.Open("div", {{"class", "wide"}});
  out.Raw(wide);
  out.Close();
  out.Open("div", {{"class", "narrow"}});
  out.Raw(narrow);
  out.Close();
  out.Close();
}

std::string HtmlPage(absl::string_view title, absl::string_view body) {
  Markup out;
  out.Raw("<!DOCTYPE html>\n");
  out.Open("html", {{"xmlns", "http://www.w3.org/1999/xhtml"}, {"lang", "en"}});
  out.Open("head");
  out.Empty("meta", {{"charset", "utf-8"}});
  out.Empty("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  // The page needs nothing from elsewhere; this holds whoever opens it to that.
  out.Empty("meta", {{"http-equiv", "Content-Security-Policy"},
                     {"content", "default-src 'none'; style-src 'unsafe-inline'"}});
  out.Empty("meta", {{"name", "referrer"}, {"content", "no-referrer"}});
  out.Element("title", title);
  out.Open("style");
  out.Raw(kPageCss);
  out.Raw(ChartCss());
  out.Close();
  out.Close();
  out.Open("body");
  out.Open("main");
  out.Raw(body);
  return out.Finish();
}

}  // namespace ipt::ctl
