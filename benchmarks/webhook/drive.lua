-- For wrk: post a review and print what came of it as one line of JSON.
-- Arguments after "--": the file of the review, its uid, the verdict expected ("true", "false"),
-- and "each" where every answer is to be looked into (which costs wrk a little).

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  wrk.method = "POST"
  wrk.body = file:read("*a")
  wrk.headers["Content-Type"] = "application/json"
  file:close()
  uid = '"' .. arguments[2] .. '"'
  verdict = '"allowed":%s*' .. arguments[3]
  looked, wrong, example = 0, 0, ""
  if arguments[4] == "each" then
    response = function(status, headers, body)
      looked = looked + 1
      if status ~= 200 or not body:find(uid, 1, true) or not body:find(verdict) then
        wrong = wrong + 1
        example = status .. " " .. body:sub(1, 200)
      end
    end
  end
end

function done(summary, latency, requests)
  local looked, wrong, example = 0, 0, ""
  for _, thread in ipairs(threads) do
    looked = looked + thread:get("looked")
    wrong = wrong + thread:get("wrong")
    if thread:get("example") ~= "" then
      example = thread:get("example")
    end
  end
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "micros": %d, "bytes": %d, "p50": %d, "p99": %d, "worst": %d, ' ..
    '"connect": %d, "read": %d, "write": %d, "timeout": %d, "status": %d, ' ..
    '"looked": %d, "wrong": %d, "example": "%s"}\n',
    summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(99), latency.max,
    errors.connect, errors.read, errors.write, errors.timeout, errors.status,
    looked, wrong, example:gsub('[%c"\\]', "?")
  ))
end
