-- only reads
-- The totals, and what the given minutes brought.
-- KEYS 1 projection:stats   ARGV minutes, each as <day>T<hh:mm>
-- Answers users, friendships, position in the user stream, in the friend stream, then for each minute users and friendships.
local live = redis.call('HGET', KEYS[1], 'live') or '1'
local prefix = 'stats:' .. live
local totals = redis.call('HMGET', prefix .. ':totals', 'users', 'friendships')
local checkpoint = redis.call('HMGET', KEYS[1] .. ':' .. live .. ':checkpoint', 'user', 'friend')
local found = {totals[1] or '0', totals[2] or '0', checkpoint[1] or '0-0', checkpoint[2] or '0-0'}
for _, minute in ipairs(ARGV) do
  local day, time = string.match(minute, '^(.+)T(.+)$')
  local counts = redis.call('HMGET', prefix .. ':minutes:' .. day, time .. ' users', time .. ' friendships')
  found[#found + 1] = counts[1] or '0'
  found[#found + 1] = counts[2] or '0'
end
return found
