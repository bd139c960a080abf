-- with prelude
-- Appends one friendship event.
-- ARGV 11 the smaller person id  12 the larger  13 '1' where the smaller must be in the replica of people  14 the same, larger
-- Answers {'recorded', state} | {'refused', state or '', unknown person ...} | {'replayed', outcome} | {'reused'}.
local answered = remembered() or recorded_before()
if answered then return answered end

local low, high = ARGV[11], ARGV[12]
local pair = low .. '-' .. high
local key, friends_of_low, friends_of_high = 'friendship:' .. pair, 'friends:' .. low, 'friends:' .. high
local state = redis.call('GET', key)
local refused = {'refused', state or ''}

if ARGV[13] == '1' or ARGV[14] == '1' then
  local people = 'people:' .. (redis.call('HGET', 'projection:people', 'live') or '1') .. ':'
  local function check(id, wanted)
    if wanted ~= '1' then return end
    local n = tonumber(id)
    if redis.call('GETBIT', people .. number(math.floor(n / 65536)), n % 65536) == 0 then
      refused[#refused + 1] = id
    end
  end
  check(low, ARGV[13])
  check(high, ARGV[14])
end
if version_of(state) ~= expected or #refused > 2 then return refused end

-- Keys of other types fail here, before anything is written.
redis.call('XLEN', stream)
redis.call('ZSCORE', friends_of_low, high)
redis.call('ZSCORE', friends_of_high, low)

if kind == 'FRIEND_ADDED' then
  local id, json = allocate('friendship:last-id', 'friendship:id:')
  redis.call('ZADD', friends_of_low, id, high)
  redis.call('ZADD', friends_of_high, id, low)
  redis.call('SET', 'friendship:id:' .. id, pair)
  return {'recorded', record(key, subject, json, json)}
end

local id = string.match(data, '^{"id":(%d+),') or error('a friendship without an id ended: ' .. subject)
redis.call('ZREM', friends_of_low, high)
redis.call('ZREM', friends_of_high, low)
redis.call('DEL', 'friendship:id:' .. id)
return {'recorded', record(key, subject, data, 'null')}
