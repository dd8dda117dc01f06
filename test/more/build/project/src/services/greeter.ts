import { inject, injectable } from 'tsyringe'

export enum Tone {
  Plain,
  Loud,
}

@injectable()
export class Greeter {
  constructor(
    @inject('tone') private readonly tone: Tone,
    @inject('name') readonly name: string,
  ) {}

  greet(): string {
    return this.tone === Tone.Loud ? `HELLO ${this.name.toUpperCase()}` : `Hello ${this.name}`
  }
}
