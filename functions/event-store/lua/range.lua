-- only reads
-- A page of a stream, each entry with the number of words that follow it: what a flattened XRANGE does not tell.
-- KEYS 1 stream   ARGV 1 from  2 how many entries
-- Answers for each entry: the position, how many words, then names and values in turn.
local found = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])) do
  local words = entry[2]
  found[#found + 1] = entry[1]
  found[#found + 1] = #words
  for i = 1, #words do found[#found + 1] = words[i] end
end
return found
