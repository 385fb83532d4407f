// A server process that dies at the worst moment: it rotates the session of a cookie, says so, and never answers. Argument:
// JSON of { database, origin, product, cookie }.
import { createSessions } from '../../src/controls/sessions/sessions.ts'
import { loginOptions } from '../../src/controls/tenant-isolation/tenant-isolation.ts'
import { Login } from '../../src/platform/database/login.ts'
import { passwords, sessionKey } from './world.ts'

const { database, origin, product, cookie } = JSON.parse(process.argv[2]!)
const identity = new Login(loginOptions('identity', database, { password: passwords.identity, most: 1 }))
const sessions = createSessions({ product, origin, privateKeyPem: sessionKey, https: false })
const given = await sessions.touch(identity, cookie, '127.0.0.1')
if (given === undefined) throw new Error('nothing was rotated')
process.stdout.write('rotated\n')
setInterval(() => {}, 1000)
