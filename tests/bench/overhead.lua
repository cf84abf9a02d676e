-- wrk's side of overhead.py: small POSTs, one a connection; the figures as one line of JSON.

wrk.method = "POST"
wrk.body = string.rep("x", 64)
wrk.headers["Content-Type"] = "application/octet-stream"
wrk.headers["Connection"] = "close"

function done(summary, latency, _)
    local failed = summary.errors
    local errors = failed.connect + failed.read + failed.write + failed.status + failed.timeout
    io.write(string.format(
        '{"requests":%d,"seconds":%.6f,"errors":%d,"p50_us":%d,"p99_us":%d,"cpu_s":%.3f}\n',
        summary.requests, summary.duration / 1e6, errors,
        latency:percentile(50), latency:percentile(99), os.clock()))
end
