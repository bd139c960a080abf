-- with prelude
-- Appends one user event. Expected version 0 creates a person and allocates the id.
-- Answers {'recorded', state} | {'refused', state or ''} | {'replayed', outcome} | {'reused'}.
local answered = remembered() or recorded_before()
if answered then return answered end
redis.call('XLEN', stream) -- a key of another type fails here, before anything is written

if expected == 0 then
  local id, json = allocate('user:last-id', 'user:')
  return {'recorded', record('user:' .. id, 'user/' .. id, json, json)}
end

local key = 'user:' .. string.sub(subject, 6)
local state = redis.call('GET', key)
if version_of(state) ~= expected then return {'refused', state or ''} end
return {'recorded', record(key, subject, data, data)}
