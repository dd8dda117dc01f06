/** The page may not make code of texts. Without this, the schemas of the client would try, and the browser would report it. */
import { config } from 'zod/v4/core'

config({ jitless: true })
