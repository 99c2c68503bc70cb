// Reads XML as strictly as a browser does, for tests of what iptctl writes: tags that match, quoted
// attributes, known entities, nothing else.
#pragma once

#include <cctype>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ipt::ctl::samples {

struct XmlElement {
  std::string tag;
  std::map<std::string, std::string> attributes;
  std::string text;  // its own, not that of elements in it
  int parent = -1;   // place in the list

  std::string Get(const std::string& name) const {
    const auto it = attributes.find(name);
    return it == attributes.end() ? "" : it->second;
  }
};

struct XmlDocument {
  std::vector<XmlElement> elements;
  std::string error;  // empty: well-formed

  std::vector<const XmlElement*> All(const std::string& tag, const std::string& css = "") const {
    std::vector<const XmlElement*> found;
    for (const XmlElement& element : elements) {
      if (element.tag != tag) continue;
      if (!css.empty() &&
          (" " + element.Get("class") + " ").find(" " + css + " ") == std::string::npos) {
        continue;
      }
      found.push_back(&element);
    }
    return found;
  }
};

class XmlReader {
 public:
  explicit XmlReader(const std::string& text) : text_(text) {}

  XmlDocument Read() {
    if (text_.rfind("<!DOCTYPE html>\n", 0) == 0) at_ = 16;
    while (error_.empty() && at_ < text_.size()) {
      if (text_[at_] == '<') {
        Tag();
      } else {
        const std::string text = Decoded('<');
        if (!open_.empty()) {
          document_.elements[open_.back()].text += text;
        } else if (text.find_first_not_of(" \n") != std::string::npos) {
          Fail("text outside of the root");
        }
      }
    }
    if (error_.empty() && !open_.empty()) Fail("not closed");
    if (error_.empty() && document_.elements.empty()) Fail("empty");
    document_.error = error_;
    return document_;
  }

 private:
  void Fail(const std::string& why) {
    if (error_.empty()) error_ = why + " at: " + text_.substr(at_ > 40 ? at_ - 40 : 0, 120);
  }

  // Up to `end`, which stays.
  std::string Decoded(char end) {
    static const std::map<std::string, std::string> kEntities = {
        {"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"#39", "'"}};
    std::string out;
    for (; at_ < text_.size() && text_[at_] != end; ++at_) {
      const char c = text_[at_];
      if (c == '<') {
        Fail("< in an attribute");
        return out;
      }
      if (static_cast<unsigned char>(c) < 0x20 && c != '\n') Fail("a control character");
      if (c != '&') {
        out += c;
        continue;
      }
      const size_t semicolon = text_.find(';', at_);
      const std::string name =
          semicolon == std::string::npos ? "" : text_.substr(at_ + 1, semicolon - at_ - 1);
      if (!kEntities.contains(name)) {
        Fail("no known entity");
        return out;
      }
      out += kEntities.at(name);
      at_ = semicolon;
    }
    return out;
  }

  std::string Name() {
    const size_t begin = at_;
    while (at_ < text_.size() && (isalnum(static_cast<unsigned char>(text_[at_])) != 0 ||
                                  text_[at_] == '-' || text_[at_] == ':')) {
      ++at_;
    }
    if (at_ == begin) Fail("no name");
    return text_.substr(begin, at_ - begin);
  }

  void Tag() {
    ++at_;
    if (at_ < text_.size() && text_[at_] == '/') {
      ++at_;
      const std::string name = Name();
      if (open_.empty() || document_.elements[open_.back()].tag != name) {
        return Fail("closes what is not open: " + name);
      }
      open_.pop_back();
      if (at_ >= text_.size() || text_[at_] != '>') return Fail("no >");
      ++at_;
      return;
    }
    if (open_.empty() && !document_.elements.empty()) return Fail("a second root");
    XmlElement element;
    element.parent = open_.empty() ? -1 : static_cast<int>(open_.back());
    element.tag = Name();
    while (error_.empty() && at_ < text_.size() && text_[at_] == ' ') {
      ++at_;
      const std::string name = Name();
      if (text_.substr(at_, 2) != "=\"") return Fail("no value");
      at_ += 2;
      if (!element.attributes.emplace(name, Decoded('"')).second) return Fail("twice: " + name);
      ++at_;
    }
    document_.elements.push_back(element);
    if (text_.substr(at_, 2) == "/>") {
      at_ += 2;
    } else if (at_ < text_.size() && text_[at_] == '>') {
      ++at_;
      open_.push_back(document_.elements.size() - 1);
    } else {
      Fail("a tag that does not end");
    }
  }

  const std::string& text_;
  size_t at_ = 0;
  std::string error_;
  std::vector<size_t> open_;
  XmlDocument document_;
};

inline XmlDocument ReadXml(const std::string& text) { return XmlReader(text).Read(); }

}  // namespace ipt::ctl::samples
