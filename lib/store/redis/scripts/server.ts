/** The script on the name of the server to which a prefix belongs. */
import { optional } from './decode.ts'
import { defineScript } from './script.ts'

/**
 * Claims the prefix for a server. While a server is renamed, instances of both names run: the earlier one keeps what it has.
 * Keys: the server. Arguments: its name; the name that it had before ('' for none); how long the claim lives (ms). Reply: nil
 * where the prefix is this server's, else the name of the server that has it.
 */
export const claimPrefix = defineScript('mcpClaimPrefix', {
  keys: ['server'],
  texts: ['name', 'before'],
  numbers: ['longest'],
  reply: optional,
  lua: `
local owner = call('HGET', server, 'name')
if owner and owner ~= name and owner ~= before then
  return call('HGET', server, 'was') ~= name and owner
end
-- A claim that is right needs no memory: Redis may be full.
if owner ~= name then call('HSET', server, 'name', name) end
local was = call('HGET', server, 'was') or ''
if before == '' or before == name then
  call('HDEL', server, 'was')
elseif was ~= before then
  call('HSET', server, 'was', before)
end
call('PEXPIRE', server, longest)
return false
`,
})
