-- Writes what wrk found as one line for tools.py. The times of wrk are in microseconds.
done = function(summary, latency, requests)
   local e = summary.errors
   io.write(string.format(
      "perflab requests=%d seconds=%.6f failures=%d mean=%.3f p50=%.3f p95=%.3f p99=%.3f\n",
      summary.requests, summary.duration / 1e6, e.status + e.connect + e.read + e.write + e.timeout,
      latency.mean / 1000, latency:percentile(50) / 1000, latency:percentile(95) / 1000,
      latency:percentile(99) / 1000))
end
