/**
 * Alarm sound, off until someone turns it on. Bursts in the manner of IEC 60601-1-8: high is ten quick pulses in two
 * groups, medium three, low two; repeated while an alarm is on. It calls attention to the screen and is no
 * substitute for the sound of a monitor.
 */
import type { Priority } from './shapes.ts';

/** Offsets of the pulses in seconds, and the time until the burst comes again. */
const BURSTS: Record<Priority, { pulses: number[]; lengthSeconds: number; againMs: number }> = {
  high: { pulses: [0, 0.18, 0.36, 0.7, 0.88, 1.5, 1.68, 1.86, 2.2, 2.38], lengthSeconds: 0.13, againMs: 8000 },
  medium: { pulses: [0, 0.4, 0.8], lengthSeconds: 0.2, againMs: 15_000 },
  low: { pulses: [0, 0.4], lengthSeconds: 0.2, againMs: 30_000 },
};
const PITCH_HERTZ: Record<Priority, number> = { high: 880, medium: 659, low: 523 };

export const createSound = () => {
  let context: AudioContext | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let playing: Priority | undefined;

  const burst = (priority: Priority): void => {
    if (!context) return;
    const { pulses, lengthSeconds, againMs } = BURSTS[priority];
    for (const offset of pulses) {
      const start = context.currentTime + 0.02 + offset;
      const tone = context.createOscillator();
      const gain = context.createGain();
      tone.frequency.value = PITCH_HERTZ[priority];
      gain.gain.setValueAtTime(0, start);
      gain.gain.linearRampToValueAtTime(0.25, start + 0.02);
      gain.gain.linearRampToValueAtTime(0, start + lengthSeconds);
      tone.connect(gain).connect(context.destination);
      tone.start(start);
      tone.stop(start + lengthSeconds + 0.02);
    }
    timer = setTimeout(() => burst(priority), againMs);
  };

  const play = (priority: Priority | undefined): void => {
    if (priority === playing) return;
    playing = priority;
    clearTimeout(timer);
    if (priority) burst(priority);
  };

  return {
    /** Must be called from a click or a key, or browsers keep it silent. */
    turnOn: (): void => {
      context ??= new AudioContext();
      void context.resume();
    },
    turnOff: (): void => {
      play(undefined);
      void context?.close();
      context = undefined;
    },
    /** The highest priority that is on and unanswered, or nothing. */
    play,
  };
};
