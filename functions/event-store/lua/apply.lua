-- Applies one batch of a projection: all of it, or nothing.
-- KEYS 1 projection:<name>  2 its generation's checkpoint
-- ARGV 1 generation  2 stream  3 the checkpoint that the batch starts from  4 the one that it leads to  5 name, then the writes
-- Answers {'applied'} | {'stale'} (another one was here first) | {'retired'} (this generation is neither live nor being built)
-- | {'refused', reason}.
local generation, stream, from, to, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local live, building = unpack(redis.call('HMGET', KEYS[1], 'live', 'building'))
if generation ~= (live or '1') and generation ~= building then return {'retired'} end
if (redis.call('HGET', KEYS[2], stream) or '0-0') ~= from then return {'stale'} end

-- Each write: how many arguments, which types the keys have that it begins with, and what it does.
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

-- The type of each key that the batch writes to, as it is or as it will be: most writes go to the same few keys.
local types = {}

local function wrong_type(key, wanted)
  local found = types[key]
  if not found then
    found = redis.call('TYPE', key)['ok']
    if found == 'none' then found = wanted end
    types[key] = found
  end
  if found == wanted then return nil end
  return 'key ' .. key .. ' is a ' .. found .. ', not a ' .. wanted
end

-- What HINCRBY takes, and far from where it overflows.
local function countable(value)
  return not value or value == '0' or (#value <= 16 and string.match(value, '^-?[1-9]%d*$'))
end

-- Why a write cannot be done, or nil.
local function refusal(at)
  local name = ARGV[at]
  for i, wanted in ipairs(writes[name][2]) do
    local wrong = wrong_type(ARGV[at + i], wanted)
    if wrong then return wrong end
  end
  if name == 'HINCRBY' and not countable(redis.call('HGET', ARGV[at + 1], ARGV[at + 2])) then
    return 'field ' .. ARGV[at + 2] .. ' of ' .. ARGV[at + 1] .. ' is no number that can be added to'
  end
  if name == 'DEAD' then return wrong_type('events:dead', 'stream') or wrong_type('events:dead:index', 'set') end
end

-- First everything is checked: Lua has no rollback.
local at = 6
while at <= #ARGV do
  local reason = refusal(at)
  if reason then return {'refused', reason} end
  at = at + 1 + writes[ARGV[at]][1]
end

at = 6
while at <= #ARGV do
  local write = writes[ARGV[at]]
  write[3](unpack(ARGV, at + 1, at + write[1]))
  at = at + 1 + write[1]
end
redis.call('HSET', KEYS[2], stream, to)
return {'applied'}
