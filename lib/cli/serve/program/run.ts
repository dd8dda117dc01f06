/** Runs a program in this process, as `node file args` does: it is the main module, and has its own arguments. */
import { Module } from 'node:module'
import type { Program } from './find.ts'

/** The turns of the event loop in which a program that has connected may finish what it does at its start. */
const TURNS = 10

/** @throws what a CommonJS program throws while it is loaded. That of an ES module is a rejection that nobody handles */
export function runProgram({ file, args }: Pick<Program, 'file' | 'args'>): void {
  process.argv = [process.execPath, file, ...args]
  Module.runMain(file)
}

/** Resolves when the program has gone on after its connect: it may set handlers then. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve))
}
