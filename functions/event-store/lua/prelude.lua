-- What the append scripts share. Lua in Redis is atomic but has no rollback: everything that can fail is checked before the
-- first write.
--
-- KEYS  1 stream  2 bell  3 idempotency record, or ''
-- ARGV  1 expected version  2 event id  3 source  4 type  5 subject  6 time  7 traceparent, or ''  8 data
--       9 the request that the idempotency key stands for  10 how long ago this was sent first, in milliseconds, or '' if never
local stream, bell, memory = KEYS[1], KEYS[2], KEYS[3]
local expected, event_id, source, kind, subject = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local time, traceparent, data, request, resent = ARGV[6], ARGV[7], ARGV[8], ARGV[9], tonumber(ARGV[10])

-- How long an idempotency record is kept: 24 hours, in milliseconds.
local REMEMBER_MS = 86400000
-- How long a ring counts as outstanding. One that was lost delays the next by at most this, in milliseconds.
local RING_MS = 1000
-- How much longer ago than it was sent first a command that is sent again looks for its event, in milliseconds: clocks tick
-- in steps, and are corrected.
local LOOK_BACK_MS = 500
-- Entries a step, newest first, and steps: looking through 10,000 of them holds Redis for about 50 ms, and that is the limit.
local LOOK_BACK_ENTRIES, LOOK_BACK_STEPS = 100, 100
-- The largest id, 2^53 - 1: the largest that is exact everywhere.
local MAX_ID = 9007199254740991

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

-- The state that this very event led to, if a connection broke after it was recorded and before anybody knew. Only what is
-- younger than the command is looked at: when Redis comes back, everybody who waited sends again at once.
local function recorded_before()
  if not resent then return nil end
  local now = redis.call('TIME')
  local from = number(math.max(0, now[1] * 1000 + math.floor(now[2] / 1000) - resent - LOOK_BACK_MS))
  local to = '+'
  for _ = 1, LOOK_BACK_STEPS do
    local entries = redis.call('XREVRANGE', stream, to, from, 'COUNT', LOOK_BACK_ENTRIES)
    for _, entry in ipairs(entries) do
      local fields = {}
      for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
      if fields['id'] == event_id then
        local json = fields['data']
        if kind == 'FRIEND_REMOVED' then json = 'null' end
        return {'recorded', state_json(fields['version'], entry[1], json)}
      end
    end
    if #entries < LOOK_BACK_ENTRIES then return nil end
    to = '(' .. entries[#entries][1]
  end
  error('it cannot be told whether this was recorded: too much has been since')
end

-- The version of a stored state, 0 where there is none. One that is not readable is damage, not a beginning.
local function version_of(state)
  if not state then return 0 end
  return tonumber(string.match(state, '^{"version":(%d+),') or error('the stored state is damaged: ' .. subject))
end

-- Takes the next id of a counter and puts it where the unallocated one, 0, stands: `{"id":0,…`. Returns id and JSON. It is an
-- append's first write. `named` is what the key of such a thing begins with: if there is one, the counter was lost or set
-- back, and nobody's state may be overwritten.
local function allocate(counter, named)
  if string.sub(data, 1, 8) ~= '{"id":0,' then error('an id was allocated already: ' .. subject) end
  local last = tonumber(redis.call('GET', counter) or '0') or error(counter .. ' is no number')
  if last >= MAX_ID then error(counter .. ' is at its end') end
  if redis.call('EXISTS', named .. number(last + 1)) == 1 then error(counter .. ' is behind: its next id is taken') end
  local id = number(redis.call('INCR', counter))
  return id, '{"id":' .. id .. string.sub(data, 8)
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
