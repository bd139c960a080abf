-- Makes the generation that was built beside the live one the live one, if it has read at least as far.
-- KEYS 1 projection:<name>  2 the live generation's checkpoint  3 the built one's
-- ARGV 1 live generation  2 built generation. Answers 1 when swapped, else 0.
local live, building = unpack(redis.call('HMGET', KEYS[1], 'live', 'building'))
if (live or '1') ~= ARGV[1] or building ~= ARGV[2] then return 0 end

local function parts(position)
  local millis, seq = string.match(position or '0-0', '^(%d+)-(%d+)$')
  return tonumber(millis), tonumber(seq)
end
for _, stream in ipairs({'user', 'friend'}) do
  local live_millis, live_seq = parts(redis.call('HGET', KEYS[2], stream) or nil)
  local built_millis, built_seq = parts(redis.call('HGET', KEYS[3], stream) or nil)
  if built_millis < live_millis or (built_millis == live_millis and built_seq < live_seq) then return 0 end
end
redis.call('HSET', KEYS[1], 'live', building)
redis.call('HDEL', KEYS[1], 'building')
return 1
