import { Injectable } from '@nestjs/common';

/** What every chat costs on top: CPU time (CHAT_WORK_MICROS) and waiting (CHAT_DELAY_MS), to try a slower version. */
@Injectable()
export class SlowdownService {
  private readonly workMs = Number(process.env.CHAT_WORK_MICROS ?? 0) / 1000;
  private readonly delayMs = Number(process.env.CHAT_DELAY_MS ?? 0);

  async apply(): Promise<void> {
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    const end = performance.now() + this.workMs;
    while (performance.now() < end);
  }
}
