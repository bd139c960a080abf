-- Applies one batch of a projection: all of it, or nothing.
-- KEYS 1 projection:<name>  2 its generation's checkpoint
-- ARGV 1 generation  2 stream  3 the checkpoint that the batch starts from  4 the one that it leads to  5 name, then the writes
-- Answers {'applied'} | {'stale'} (another one was here first) | {'refused', reason}.
local generation, stream, from, to, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local live, building = unpack(redis.call('HMGET', KEYS[1], 'live', 'building'))
if generation ~= (live or '1') and generation ~= building then return {'stale'} end
if (redis.call('HGET', KEYS[2], stream) or '0-0') ~= from then return {'stale'} end

-- Each write: how many arguments, which type its keys have, and what it does.
local writes = {
  SETBIT = {2, {'string'}, function(key, offset) redis.call('SETBIT', key, offset, 1) end},
  HINCRBY = {3, {'hash'}, function(key, field, by) redis.call('HINCRBY', key, field, by) end},
  HSET = {3, {'hash'}, function(key, field, value) redis.call('HSET', key, field, value) end},
  ZADD = {2, {'zset'}, function(key, member) redis.call('ZADD', key, 0, member) end},
  -- Replaces what an index holds for one id. The entries that it holds are remembered beside it, one a line.
  REINDEX = {4, {'zset', 'hash'}, function(index, entries_key, id, entries)
    for entry in string.gmatch(redis.call('HGET', entries_key, id) or '', '[^\n]+') do
      redis.call('ZREM', index, entry)
    end
    for entry in string.gmatch(entries, '[^\n]+') do redis.call('ZADD', index, 0, entry) end
    redis.call('HSET', entries_key, id, entries)
  end},
  DEAD = {4, {}, function(position, kind, reason, time)
    if redis.call('SADD', 'events:dead:index', name .. '/' .. stream .. '/' .. position) == 1 then
      redis.call('XADD', 'events:dead', '*', 'projection', name, 'stream', stream, 'position', position, 'type', kind,
        'reason', reason, 'time', time)
    end
  end},
}

-- First everything is checked: Lua has no rollback.
local at = 6
while at <= #ARGV do
  local write = writes[ARGV[at]]
  for i, wanted in ipairs(write[2]) do
    local key = ARGV[at + i]
    local found = redis.call('TYPE', key)['ok']
    if found ~= 'none' and found ~= wanted then
      return {'refused', 'key ' .. key .. ' is a ' .. found .. ', not a ' .. wanted}
    end
    if ARGV[at] == 'HINCRBY' and found == 'hash' then
      local value = redis.call('HGET', key, ARGV[at + 2])
      if value and not string.match(value, '^-?%d+$') then
        return {'refused', 'field ' .. ARGV[at + 2] .. ' of ' .. key .. ' is no number'}
      end
    end
  end
  at = at + 1 + write[1]
end

at = 6
while at <= #ARGV do
  local write = writes[ARGV[at]]
  write[3](unpack(ARGV, at + 1, at + write[1]))
  at = at + 1 + write[1]
end
redis.call('HSET', KEYS[2], stream, to)
return {'applied'}
