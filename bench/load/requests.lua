-- The load of one request template: wrk -s requests.lua URL -- METHOD PATH TEMPLATE_FILE FIRST_NUMBER ID...
-- In the template `@n@` becomes a number that no other request has, `@id@` one of the ids in turn.
local template, ids, number, head = "", {}, 0, {}

function init(args)
  local method, path, file = args[1], args[2], args[3]
  number = tonumber(args[4])
  for place = 5, #args do ids[#ids + 1] = args[place] end
  local opened = io.open(file, "rb")
  template = opened:read("*a")
  opened:close()
  head = { method = method, path = path, fields = { ["Content-Type"] = "application/json" } }
end

local function filled(text)
  text = text:gsub("@n@", tostring(number))
  if #ids > 0 then text = text:gsub("@id@", ids[number % #ids + 1]) end
  return text
end

function request()
  number = number + 1
  local body = head.method ~= "GET" and filled(template) or nil
  return wrk.format(head.method, filled(head.path), head.fields, body)
end

function done(summary, latency, requests)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format(
    '{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "failed": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, failed))
end
