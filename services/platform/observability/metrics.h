// The process' Prometheus metrics. Families and their children are made at start-up; what a hot
// path touches is a counter that it already holds. No clinic and no patient in any label.
//
// Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace ipt {

// Seconds. The same for calls and SQL, so that the two can be laid over each other.
const std::vector<double>& LatencyBuckets();

class Metrics {
 public:
  // `binary` and `version` become the labels of ipt_build_info.
  Metrics(const std::string& binary, const std::string& version);

  using Labels = std::map<std::string, std::string>;
  // The same name and labels give the same object. Slow: call at start-up.
  prometheus::Counter& Counter(const std::string& name, const std::string& help,
                               const Labels& labels = {});
  prometheus::Gauge& Gauge(const std::string& name, const std::string& help,
                           const Labels& labels = {});
  prometheus::Histogram& Histogram(const std::string& name, const std::string& help,
                                   const std::vector<double>& buckets, const Labels& labels = {});

  // All of it in Prometheus' text format.
  std::string Text() const;

 private:
  prometheus::Registry registry_;
};

}  // namespace ipt
