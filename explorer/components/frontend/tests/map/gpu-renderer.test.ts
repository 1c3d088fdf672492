// WebGL on the processor is slower than the worker, so it is told apart from a GPU.
import { expect, it } from "vitest";
import { isSoftware } from "../../src/map/gpu-renderer";

it.each([
  [
    "ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE)), SwiftShader driver)",
    true,
  ],
  ["llvmpipe (LLVM 15.0.7, 256 bits)", true],
  ["ANGLE (Microsoft, Microsoft Basic Render Driver Direct3D11)", true],
  ["ANGLE (Intel, Mesa Intel(R) UHD Graphics 620 (KBL GT2), OpenGL 4.6)", false],
  ["Apple GPU", false],
])("tells whether %s is software", (name, software) => {
  expect(isSoftware(name)).toBe(software);
});
