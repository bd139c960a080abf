-- What the append scripts share. Lua in Redis is atomic but has no rollback: everything that can fail is checked before the
-- first write.
--
-- KEYS  1 stream  2 bell  3 idempotency record, or ''
-- ARGV  1 expected version  2 event id  3 source  4 type  5 subject  6 time  7 traceparent, or ''  8 data
--       9 the request that the idempotency key stands for  10 '1' when this may have been sent before
local stream, bell, memory = KEYS[1], KEYS[2], KEYS[3]
local expected, event_id, source, kind, subject = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local time, traceparent, data, request, resent = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10] == '1'

-- How long an idempotency record is kept: 24 hours, in milliseconds.
local REMEMBER_MS = 86400000
-- How long a ring counts as outstanding. One that was lost delays the next by at most this, in milliseconds.
local RING_MS = 1000
-- How far back a command that is sent again looks for its event: far more than arrives within a request's time limit.
local LOOK_BACK = 10000

local function number(n)
  return string.format('%.0f', n)
end

local function state_json(version, position, json)
  return '{"version":' .. version .. ',"lastEvent":"' .. position .. '","data":' .. json .. '}'
end

-- The answer that this Idempotency-Key has had already, if it has.
local function remembered()
  if memory == '' then return nil end
  local record = redis.call('GET', memory)
  if not record then return nil end
  local cut = string.find(record, '\n', 1, true)
  if string.sub(record, 1, cut - 1) ~= request then return {'reused'} end
  return {'replayed', string.sub(record, cut + 1)}
end

-- The state that this very event led to, if a connection broke after it was recorded and before anybody knew.
local function recorded_before()
  if not resent then return nil end
  for _, entry in ipairs(redis.call('XREVRANGE', stream, '+', '-', 'COUNT', LOOK_BACK)) do
    local fields = {}
    for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
    if fields['id'] == event_id then
      local json = fields['data']
      if kind == 'FRIEND_REMOVED' then json = 'null' end
      return {'recorded', state_json(fields['version'], entry[1], json)}
    end
  end
  return nil
end

local function version_of(state)
  return state and tonumber(string.match(state, '^{"version":(%d+)')) or 0
end

-- Puts the allocated id where the unallocated one, 0, stands: `{"id":0,…`.
local function with_id(json, id)
  return '{"id":' .. id .. string.sub(json, 8)
end

-- The event, the state that follows from it, the remembered answer, and the doorbell. Returns the state.
local function record(state_key, about, json, state_data)
  local position
  if traceparent == '' then
    position = redis.call('XADD', stream, '*', 'id', event_id, 'source', source, 'type', kind, 'subject', about,
      'version', expected + 1, 'time', time, 'data', json)
  else
    position = redis.call('XADD', stream, '*', 'id', event_id, 'source', source, 'type', kind, 'subject', about,
      'version', expected + 1, 'time', time, 'traceparent', traceparent, 'data', json)
  end
  local state = state_json(expected + 1, position, state_data)
  redis.call('SET', state_key, state)
  if memory ~= '' then
    redis.call('SET', memory, request .. '\n+' .. state, 'PX', REMEMBER_MS)
  end
  if redis.call('SET', bell, '1', 'NX', 'PX', RING_MS) then
    redis.call('PUBLISH', stream, stream)
  end
  return state
end
