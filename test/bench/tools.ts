/** The tools of all measured servers, and the texts of their results. */
import { z } from 'zod'

export const ECHO = 'echo'
export const STEPS = 'steps'

export const echoInput = z.object({ text: z.string(), times: z.number().int().min(1).max(10).optional() })
export const stepsInput = z.object({ steps: z.number().int().min(1).max(10_000) })

/** `pause`: ms before each step. */
export const spacedInput = z.object({ steps: z.number().int().min(1).max(10_000), pause: z.number().min(0) })
export const waitInput = z.object({ ms: z.number().min(0) })

export function echoed({ text, times = 1 }: { text: string; times?: number | undefined }) {
  return { content: [{ type: 'text' as const, text: text.repeat(times) }] }
}

export const DONE = { content: [{ type: 'text' as const, text: 'done' }] }

/** A tool for lists, with a typical number of parameters. */
export function listedTool(n: number) {
  return {
    name: `listed_${n}`,
    title: `Listed tool ${n}`,
    description: `Searches the records of department ${n} and returns those that fit, newest first, with their authors.`,
    inputSchema: z.object({
      query: z.string().min(1).max(200).describe('What to look for'),
      limit: z.number().int().min(1).max(100).optional().describe('How many at most'),
      order: z.enum(['newest', 'oldest', 'relevance']).optional().describe('How to sort'),
      filter: z
        .object({
          author: z.string().optional().describe('Only records of this author'),
          since: z.string().optional().describe('ISO 8601'),
          tags: z.array(z.string()).max(10).optional(),
        })
        .optional(),
      verbose: z.boolean().optional(),
    }),
  }
}
