import { describe, expect, it, vi } from "vitest";
import { clamped, createWindow, zoomed } from "../../assets/js/conference/components/window.js";

describe("the shared window", () => {
  it("stays within the call and is never shorter than a second", () => {
    expect(clamped(-5000, 5000, 60_000)).toEqual({ from: 0, to: 10_000 });
    expect(clamped(55_000, 70_000, 60_000)).toEqual({ from: 45_000, to: 60_000 });
    expect(clamped(30_000, 30_001, 60_000)).toEqual({ from: 30_000, to: 31_000 });
    expect(clamped(0, 99_000, 60_000)).toEqual({ from: 0, to: 60_000 });
  });

  it("zooms around a time that keeps its place", () => {
    const { from, to } = zoomed({ from: 0, to: 60_000 }, 0.5, 15_000, 60_000);
    expect([from, to]).toEqual([7500, 37_500]);
    expect((15_000 - from) / (to - from)).toBeCloseTo(0.25);
  });

  it("keeps the cursor where it was pinned, and shows that place", () => {
    const view = createWindow(60_000);
    view.set(0, 10_000);
    view.pin(40_000);
    expect(view.state).toEqual({ from: 35_000, to: 45_000, cursor: 40_000 });
    view.point(41_000);
    view.point(null);
    expect(view.state.cursor).toBe(40_000);
    view.pin(null);
    expect(view.state.cursor).toBe(null);
  });

  it("tells those who listen, and not those who no longer do", () => {
    const view = createWindow(60_000);
    const heard = vi.fn();
    const stop = view.subscribe((state) => heard(state.from, state.to, state.cursor));
    view.set(10_000, 20_000);
    view.point(12_000);
    view.point(12_000);
    stop();
    view.reset();
    expect(heard.mock.calls).toEqual([[10_000, 20_000, null], [10_000, 20_000, 12_000]]);
    expect(view.isWhole()).toBe(true);
  });
});
