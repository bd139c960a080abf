-- only reads
-- A page of a person's timeline, newest first.
-- KEYS 1 projection:activity   ARGV 1 person  2 the entry to go on after, or ''  3 how many
-- Answers whether the person is known ('1' or '0'), then the entries.
local prefix = 'activity:' .. (redis.call('HGET', KEYS[1], 'live') or '1')
local key = prefix .. ':of:' .. ARGV[1]
local from = ARGV[2] == '' and '+' or '(' .. ARGV[2]
local found = redis.call('ZREVRANGEBYLEX', key, from, '-', 'LIMIT', 0, ARGV[3])
table.insert(found, 1, tostring(redis.call('EXISTS', key)))
return found
