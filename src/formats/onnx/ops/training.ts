import { FormatError, UnsupportedError } from "../../../core/errors.ts";
import type { Value } from "../../../graph/builder.ts";
import { type Expression, input, scalar as s } from "../../../graph/expression.ts";
import { broadcastTo } from "../../../graph/ops/broadcast.ts";
import { elementwise } from "../../../graph/ops/elementwise.ts";
import type { NodeContext } from "../nodeContext.ts";
import { type OnnxTensor, typed } from "../onnxTensor.ts";
import type { Importers } from "./operator.ts";

/** Rate, number of updates so far, parameter and gradient, as inputs of expressions. */
const [rate, count, parameter, gradient] = [input(0), input(1), input(2), input(3)];

/** Gradient and decay of the parameter together. */
const regular = (node: NodeContext): Expression =>
  s.add(s.mul(node.float("norm_coefficient", 0), parameter), gradient);

/**
 * An optimiser node: inputs are rate, count, n parameters, n gradients and n of each slot, outputs the n new parameters
 * and slots. `update` gets the slots as expressions and says what follows.
 */
function optimizer(
  node: NodeContext,
  slots: number,
  update: (...slots: Expression[]) => readonly Expression[],
): Value[] {
  const parameters = (node.inputCount - 2) / (slots + 2);
  if (!Number.isInteger(parameters) || parameters < 1) {
    throw new FormatError(
      `${node.where}: ${node.inputCount} inputs; expected rate, count, and ${slots + 2} for each parameter.`,
    );
  }
  const results = Array.from({ length: parameters }, (_, i) => {
    const operands = Array.from({ length: slots + 2 }, (_, kind) =>
      node.input(2 + kind * parameters + i),
    );
    const all = [node.input(0), node.input(1), ...operands];
    const given = Array.from({ length: slots }, (_, slot) => input(4 + slot));
    const shape = operands[0]!.shape;
    return update(...given).map((expression) => broadcastTo(elementwise(all, expression), shape));
  });
  return Array.from({ length: slots + 1 }, (_, kind) => results.map((own) => own[kind]!)).flat();
}

/** Updates of parameters as graphs hold them, of the domain `ai.onnx.preview.training`. */
export const optimizers: Importers = {
  Adagrad: (node) =>
    optimizer(node, 1, (squares) => {
      const g = regular(node);
      const decayed = s.div(rate, s.add(1, s.mul(count, node.float("decay_factor", 0))));
      const sum = s.add(squares!, s.mul(g, g));
      const step = s.div(s.mul(decayed, g), s.add(s.sqrt(sum), node.float("epsilon", 1e-6)));
      return [s.sub(parameter, step), sum];
    }),
  Adam: (node) =>
    optimizer(node, 2, (first, second) => {
      const g = regular(node);
      const [alpha, beta] = [node.float("alpha", 0.9), node.float("beta", 0.999)];
      const mean = s.add(s.mul(alpha, first!), s.mul(1 - alpha, g));
      const square = s.add(s.mul(beta, second!), s.mul(1 - beta, s.mul(g, g)));
      const unbiased = s.div(
        s.mul(rate, s.sqrt(s.sub(1, s.pow(beta, count)))),
        s.sub(1, s.pow(alpha, count)),
      );
      const adjusted = s.select(s.less(0, count), unbiased, rate);
      const step = s.div(s.mul(adjusted, mean), s.add(s.sqrt(square), node.float("epsilon", 1e-6)));
      const shrink = 1 - node.float("norm_coefficient_post", 0);
      return [s.mul(shrink, s.sub(parameter, step)), mean, square];
    }),
  Momentum: (node) =>
    optimizer(node, 1, (velocity) => {
      const g = regular(node);
      const alpha = node.float("alpha", 0.9);
      const damping = s.select(s.less(0, count), node.float("beta", 1), 1);
      const next = s.add(s.mul(alpha, velocity!), s.mul(damping, g));
      const isNesterov = node.choice("mode", ["standard", "nesterov"], "standard") === "nesterov";
      const direction = isNesterov ? s.add(g, s.mul(alpha, next)) : next;
      return [s.sub(parameter, s.mul(rate, direction)), next];
    }),
};

/** Dropout as at inference: everything is kept. One that is asked to drop is refused, since its result is random. */
function dropout(node: NodeContext): OnnxTensor[] {
  const trains =
    node.opset >= 12 &&
    node.has(2) &&
    node.knownScalar(2, 0) !== 0 &&
    node.knownScalar(1, 0.5) !== 0;
  if (trains) {
    throw new UnsupportedError(
      `${node.where}: training_mode is true; export the model for inference.`,
    );
  }
  const mask = broadcastTo(node.builder.constant(1), node.shape(0));
  return [typed(node.raw(0), node.type(0)), typed(mask, node.opset < 10 ? node.type(0) : "bool")];
}

export const dropouts: Importers = { Dropout: dropout };
