#include "tests/timeline/picture.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace choregos::timeline {
namespace {

constexpr double kLeft = 84, kRight = 16, kWidth = 860, kTop = 66, kRowHeight = 26, kEvidenceHeight = 90;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

const char* colour_of(Liveness liveness) {
  switch (liveness) {
    case Liveness::unconfirmed: return "#8a94a6";
    case Liveness::alive: return "#2f9e6e";
    case Liveness::suspect: return "#e0a021";
    case Liveness::lost: return "#c8473d";
    case Liveness::left: return "#8a94a6";
  }
  return "";
}

class Canvas {
 public:
  explicit Canvas(const Picture& picture) : from_(picture.from), scale_((kWidth - kLeft - kRight) / (picture.to - picture.from)) {}
  double x(double t) const { return kLeft + (t - from_) * scale_; }
  void rect(double x0, double y, double width, double height, const std::string& style) {
    out_ += "<rect x=\"" + number(x0) + "\" y=\"" + number(y) + "\" width=\"" + number(width) + "\" height=\"" + number(height) + "\" " + style + "/>\n";
  }
  void line(double x0, double y0, double x1, double y1, const std::string& style) {
    out_ += "<line x1=\"" + number(x0) + "\" y1=\"" + number(y0) + "\" x2=\"" + number(x1) + "\" y2=\"" + number(y1) + "\" " + style + "/>\n";
  }
  void text(double x0, double y, const std::string& words, const std::string& style = "") {
    out_ += "<text x=\"" + number(x0) + "\" y=\"" + number(y) + "\" " + style + ">" + words + "</text>\n";
  }
  std::string done(double height, const std::string& title) const {
    const std::string size = "width=\"" + number(kWidth) + "\" height=\"" + number(height) + "\" viewBox=\"0 0 " + number(kWidth) + " " + number(height) + "\"";
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" " + size + " role=\"img\" aria-label=\"" + title +
           "\">\n<style>text{font:12px system-ui,sans-serif;fill:#1d2733}.dim{fill:#5b6778}.title{font-weight:600;font-size:14px}</style>\n"
           "<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#f7f8fa\"/>\n" + out_ + "</svg>\n";
  }
  std::string& out() { return out_; }

 private:
  double from_, scale_;
  std::string out_;
};

void draw_axis(Canvas& c, const Picture& p, double y) {
  const double length = p.to - p.from;
  const double step = length > 60 ? 10 : length > 30 ? 5 : length > 8 ? 1 : 0.5;
  for (double t = std::ceil(p.from / step) * step; t <= p.to + 1e-9; t += step) {
    c.line(c.x(t), kTop - 6, c.x(t), y, "stroke=\"#d5dae2\"");
    c.text(c.x(t), y + 14, step < 1 ? number(t) : std::to_string(static_cast<int>(std::lround(t))), "text-anchor=\"middle\" class=\"dim\"");
  }
  c.text(kWidth - kRight, y + 28, "seconds", "text-anchor=\"end\" class=\"dim\"");
}

void draw_row(Canvas& c, const Row& row, double y) {
  c.text(kLeft - 8, y + 15, row.name, "text-anchor=\"end\"");
  for (const Span& s : row.spans) {
    c.rect(c.x(s.from), y + 3, std::max(1.0, c.x(s.to) - c.x(s.from)), 14, std::string("rx=\"2\" fill=\"") + colour_of(s.liveness) + "\"");
    const std::string word(to_string(s.liveness));
    if (c.x(s.to) - c.x(s.from) > 8.0 * static_cast<double>(word.size())) c.text((c.x(s.from) + c.x(s.to)) / 2, y + 14, word, "text-anchor=\"middle\" style=\"fill:#fff;font-size:11px\"");
  }
  for (const Mark& m : row.marks) {
    const std::string colour = m.kind == "heard" ? "#2f9e6e" : m.kind == "missed" ? "#8a94a6" : "#2b6cb0";
    c.line(c.x(m.at), y + 18, c.x(m.at), y + (m.kind == "asked" ? 24 : 22), "stroke=\"" + colour + "\" stroke-width=\"" + (m.kind == "missed" ? "1\" stroke-dasharray=\"1 2" : "1.5") + "\"");
  }
}

void draw_evidence(Canvas& c, const Picture& p, double y) {
  double top = p.evidence_needed * 1.3;
  for (const Point& point : p.evidence) top = std::max(top, point.value * 1.1);
  const auto height = [&](double value) { return y + kEvidenceHeight - std::min(value, top) / top * (kEvidenceHeight - 10); };
  c.text(kLeft - 8, y + kEvidenceHeight / 2, "evidence", "text-anchor=\"end\"");
  c.line(c.x(p.from), height(p.evidence_needed), c.x(p.to), height(p.evidence_needed), "stroke=\"#c8473d\" stroke-dasharray=\"4 3\"");
  c.text(c.x(p.from) + 4, height(p.evidence_needed) - 4, "enough: " + number(p.evidence_needed), "class=\"dim\"");
  std::string path;
  for (const Point& point : p.evidence) path += (path.empty() ? "M" : "L") + number(c.x(point.at)) + " " + number(height(point.value));
  c.out() += "<path d=\"" + path + "\" fill=\"none\" stroke=\"#2b6cb0\" stroke-width=\"1.5\"/>\n";
}

}  // namespace

std::string draw(const Picture& p) {
  Canvas c(p);
  const double modes = static_cast<double>(p.modes.size()) * 18;
  const double rows = static_cast<double>(p.rows.size()) * kRowHeight;
  const double evidence = p.evidence.empty() ? 0 : kEvidenceHeight + 6;
  const double bottom = kTop + modes + rows + evidence;
  c.text(16, 24, p.title, "class=\"title\"");
  draw_axis(c, p, bottom);
  for (const Mark& e : p.events) {
    c.line(c.x(e.at), kTop - 12, c.x(e.at), bottom, "stroke=\"#1d2733\" stroke-dasharray=\"3 3\"");
    c.text(c.x(e.at) + 3, kTop - 14, e.text);
  }
  double y = kTop;
  for (const auto& [span, name] : p.modes) {
    c.rect(c.x(span.from), y, std::max(2.0, c.x(span.to) - c.x(span.from)), 14, name.ends_with("frozen") ? "rx=\"2\" fill=\"#cfe3f7\"" : "rx=\"2\" fill=\"#e6dcf3\"");
    c.text(c.x(span.from) + 4, y + 11, name, "style=\"font-size:11px\"");
    y += 18;
  }
  for (const Row& row : p.rows) {
    draw_row(c, row, y);
    y += kRowHeight;
  }
  if (!p.evidence.empty()) draw_evidence(c, p, y);
  return c.done(bottom + 38, p.title);
}

}  // namespace choregos::timeline
