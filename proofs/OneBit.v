(* The row-wise 1-bit code with its best scale, and the energy it leaves: what
   the families AD and RR need of it.  sgn(0) = +1. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Routegauge Require Import FieldTactics InnerProduct.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section OneBit.
Variables (R : realFieldType) (d : nat).
Implicit Types (k : 'cV[R]_d).
Add Field onebit_field : (mc_field_theory R).

Definition sgn1 (x : R) : R := if 0 <= x then 1 else -1.
Definition l1 k : R := \sum_i `|k i 0|.
(* Code with the scale |k|_1 / d, and beta = |k|_1^2 / (d |k|_2^2). *)
Definition onebit k : 'cV[R]_d := \col_i (l1 k / d%:R * sgn1 (k i 0)).
Definition beta k : R := l1 k ^+ 2 / (d%:R * dot k k).

Lemma sgn1_sqr x : sgn1 x * sgn1 x = 1.
Proof. by rewrite /sgn1; case: ifP; rewrite ?mulrNN mulr1. Qed.

Lemma mul_sgn1 x : x * sgn1 x = `|x|.
Proof.
rewrite /sgn1; case: (lerP 0 x) => h; first by rewrite mulr1 ger0_norm.
by rewrite mulrN1 ltr0_norm.
Qed.

Lemma l1_ge0 k : 0 <= l1 k.
Proof. exact: sumr_ge0. Qed.

Lemma onebit_energy k : (0 < d)%N ->
  dot (k - onebit k) (k - onebit k) = dot k k - l1 k ^+ 2 / d%:R.
Proof.
move=> d0; have d0' : d%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
rewrite dotBl !dotBr (dotC (onebit k)).
have -> : dot k (onebit k) = l1 k ^+ 2 / d%:R.
  transitivity (\sum_i l1 k / d%:R * `|k i 0|); last by rewrite -mulr_sumr expr2 mulrAC.
  by apply: eq_bigr => i _; rewrite mxE mulrCA mul_sgn1.
have -> : dot (onebit k) (onebit k) = l1 k ^+ 2 / d%:R.
  transitivity (\sum_(i < d) (l1 k / d%:R) ^+ 2).
    by apply: eq_bigr => i _; rewrite mxE mulrACA sgn1_sqr mulr1 expr2.
  rewrite sumr_const card_ord -[LHS]mulr_natl; move: (l1 k) => x.
  by mfield R; apply/eqP.
by rewrite subrr subr0.
Qed.

(* The lost energy is 1 - beta of the key's energy. *)
Lemma onebit_residual k : (0 < d)%N ->
  dot (k - onebit k) (k - onebit k) = dot k k * (1 - beta k).
Proof.
move=> d0; have d0' : d%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
rewrite onebit_energy // /beta; have [->|k0] := eqVneq k 0.
  have -> : l1 0 = 0 by rewrite /l1 big1 // => i _; rewrite mxE normr0.
  by rewrite !dot0l expr0n mul0r subr0 mul0r.
have : dot k k != 0 by rewrite dot_eq0.
move: (dot k k) (l1 k) => e x e0.
by mfield R; split; apply/eqP.
Qed.

Lemma beta_le1 k : (0 < d)%N -> k != 0 -> beta k <= 1.
Proof.
move=> d0 k0; have := dot_ge0 (k - onebit k).
by rewrite onebit_residual // pmulr_rge0 ?dot_gt0 // subr_ge0.
Qed.

End OneBit.
