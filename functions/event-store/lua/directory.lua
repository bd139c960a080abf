-- only reads
-- A page of people by name prefix, in the order of the index.
-- KEYS 1 projection:directory   ARGV 1 prefix  2 the entry to go on after, or ''  3 how many entries
-- Answers for each entry: the entry, the person's JSON.
local prefix = 'directory:' .. (redis.call('HGET', KEYS[1], 'live') or '1')
local from = ARGV[2] == '' and '[' .. ARGV[1] or '(' .. ARGV[2]
local found = {}
for _, entry in ipairs(redis.call('ZRANGEBYLEX', prefix .. ':index', from, '[' .. ARGV[1] .. '\255', 'LIMIT', 0, ARGV[3])) do
  local id = string.match(entry, '\31(%d+)$')
  found[#found + 1] = entry
  found[#found + 1] = id and redis.call('HGET', prefix .. ':people', id) or ''
end
return found
