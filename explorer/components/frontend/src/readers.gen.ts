// Readers of the answers that explorer/live declares. Written by tools/message_types.py; change the declarations instead.
import {
  boolean,
  choice,
  finite,
  listOf,
  mapOf,
  nullable,
  pairOf,
  partialOf,
  percentile,
  record,
  shape,
  string,
  whole,
} from "./core/readers";
import type * as gen from "./messages.gen";
import {
  ANATOMY_WANTS,
  ERROR_CODES,
  GROUP_NAMES,
  HANDLE_NAMES,
  ORIGINALS_STATES,
  PICTURE_SOURCES,
} from "./messages.gen";

export const readOpened = record<Omit<gen.Opened, "protocol" | "seq">>({
  type: () => "opened",
  model: string,
  version: string,
  view: string,
  count: whole,
  latent: whole,
  shape,
});

export const readFailure = record<gen.Failure>({
  type: () => "error",
  code: choice(ERROR_CODES),
  message: string,
  seq: nullable(whole),
});

export const readPong = record<gen.Pong>({
  type: () => "pong",
  seq: whole,
});

export const readOriginals = record<gen.Originals>({
  type: () => "originals",
  state: choice(ORIGINALS_STATES),
});

export const readGaugeReading = record<gen.GaugeReading>({
  percentile,
  distance: finite,
  nearest: whole,
});

export const readFrameHeader = record<Omit<gen.FrameHeader, "ms">>({
  type: () => "frame",
  seq: whole,
  shape,
  pictures: listOf(string),
  handles: partialOf(HANDLE_NAMES, readGaugeReading),
  path: listOf(pairOf(finite, finite)),
  off: listOf(finite),
});

export const readItemsHeader = record<gen.ItemsHeader>({
  type: () => "items",
  seq: whole,
  shape,
  items: listOf(whole),
  sources: listOf(choice(PICTURE_SOURCES)),
  names: listOf(string),
  labels: listOf(mapOf(string)),
});

export const readAlong = record<gen.Along>({
  mean: pairOf(nullable(finite), nullable(finite)),
  scale: pairOf(nullable(finite), nullable(finite)),
  turn: pairOf(nullable(finite), nullable(finite)),
});

export const readBoundTerms = record<gen.BoundTerms>({
  reconstruction: nullable(finite),
  log_q: nullable(finite),
  log_p: nullable(finite),
  log_weight: nullable(finite),
});

export const readAnatomyHeader = record<Omit<gen.AnatomyHeader, "ms">>({
  type: () => "frame",
  seq: whole,
  shape,
  pictures: listOf(choice(ANATOMY_WANTS)),
  item: whole,
  source: choice(PICTURE_SOURCES),
  gauge: readGaugeReading,
  at: readAlong,
  terms: nullable(readBoundTerms),
  at_mean: nullable(readBoundTerms),
});

export const readCodesHeader = record<Omit<gen.CodesHeader, "ms">>({
  type: () => "frame",
  seq: whole,
  shape,
  pictures: listOf(string),
  step: nullable(string),
  strip: listOf(string),
});

export const readOpenedColumn = record<gen.OpenedColumn>({
  model: string,
  version: string,
  view: string,
  latent: whole,
});

export const readOpenedTogether = record<Omit<gen.OpenedTogether, "protocol" | "seq">>({
  type: () => "opened",
  models: listOf(readOpenedColumn),
  count: whole,
  shape,
});

export const readColumnReading = record<gen.ColumnReading>({
  x: finite,
  y: finite,
  percentile,
  nearest: nullable(whole),
  error: nullable(finite),
});

export const readComparedHeader = record<Omit<gen.ComparedHeader, "ms">>({
  type: () => "frame",
  seq: whole,
  shape,
  by: nullable(whole),
  original: boolean,
  models: listOf(readColumnReading),
});

export const readSharedItemsHeader = record<gen.SharedItemsHeader>({
  type: () => "items",
  seq: whole,
  shape,
  models: whole,
  items: listOf(whole),
  originals: listOf(boolean),
  names: listOf(string),
  labels: listOf(mapOf(string)),
});

export const readOpenedSequences = record<Omit<gen.OpenedSequences, "protocol" | "seq">>({
  type: () => "opened",
  model: string,
  version: string,
  shape,
  count: whole,
  length: whole,
  longest: whole,
});

export const readDisagreement = record<gen.Disagreement>({
  now: listOf(finite),
  ahead: listOf(finite),
});

export const readSequenceHeader = record<Omit<gen.SequenceHeader, "ms">>({
  type: () => "frame",
  seq: whole,
  shape,
  sequence: whole,
  seen: whole,
  jump: whole,
  by: whole,
  groups: listOf(pairOf(choice(GROUP_NAMES), whole)),
  disagreement: nullable(readDisagreement),
});
