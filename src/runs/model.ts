import type { Geometry } from "../data/prepare/geometry.ts";
import type { Net } from "../models/net.ts";
import type { Session } from "../plan/backend.ts";
import type { Normalization } from "../train/normalization.ts";
import { Predictor } from "../train/predictor.ts";
import type { ClassifierLoss } from "../train/recipe.ts";
import type { Tensors } from "../train/trainer.ts";

/** A net with its weights and everything needed to use it. */
export interface Model {
  readonly net: Net;
  /** Names of the classes, in the order of the outputs. */
  readonly classes: readonly string[];
  /** How an image becomes an input. */
  readonly geometry: Geometry;
  readonly normalization: Normalization;
  readonly loss: ClassifierLoss;
  /** Confidence below which "none of these" is the better answer, where it was measured. */
  readonly threshold: number | undefined;
  readonly weights: Tensors;
}

/** A model's engine, ready to answer. */
export function openPredictor(model: Model, session: Session): Predictor {
  return new Predictor({
    net: model.net.layer,
    input: model.net.input,
    classes: model.classes.length,
    normalization: model.normalization,
    loss: model.loss,
    weights: model.weights,
    session,
  });
}
