(* Inner product and Euclidean norm of real column vectors, over an arbitrary
   real (closed) field: bilinearity, Cauchy-Schwarz, triangle inequality.
   Helpers only; no entry of the theorem catalogue lives here. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Routegauge Require Import FieldTactics.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section Dot.
Variables (R : realFieldType) (n : nat).
Add Field dot_field : (mc_field_theory R).
Implicit Types (u v w : 'cV[R]_n) (c : R).

Definition dot u v : R := \sum_i u i 0 * v i 0.

Lemma dotE u v : (u^T *m v) 0 0 = dot u v.
Proof. by rewrite mxE; apply: eq_bigr => i _; rewrite mxE. Qed.

Lemma dotC u v : dot u v = dot v u.
Proof. by apply: eq_bigr => i _; rewrite mulrC. Qed.

Lemma dotDl u v w : dot (u + v) w = dot u w + dot v w.
Proof. by rewrite -big_split; apply: eq_bigr => i _; rewrite mxE mulrDl. Qed.

Lemma dotDr u v w : dot w (u + v) = dot w u + dot w v.
Proof. by rewrite dotC dotDl !(dotC w). Qed.

Lemma dotZl c u v : dot (c *: u) v = c * dot u v.
Proof. by rewrite mulr_sumr; apply: eq_bigr => i _; rewrite mxE mulrA. Qed.

Lemma dotZr c u v : dot u (c *: v) = c * dot u v.
Proof. by rewrite dotC dotZl dotC. Qed.

Lemma dotNl u v : dot (- u) v = - dot u v.
Proof. by rewrite -scaleN1r dotZl mulN1r. Qed.

Lemma dotNr u v : dot u (- v) = - dot u v.
Proof. by rewrite dotC dotNl dotC. Qed.

Lemma dotBl u v w : dot (u - v) w = dot u w - dot v w.
Proof. by rewrite dotDl dotNl. Qed.

Lemma dotBr u v w : dot w (u - v) = dot w u - dot w v.
Proof. by rewrite dotDr dotNr. Qed.

Lemma dot0l u : dot 0 u = 0.
Proof. by rewrite -(scale0r u) dotZl mul0r. Qed.

Lemma dot0r u : dot u 0 = 0.
Proof. by rewrite dotC dot0l. Qed.

Lemma dot_ge0 u : 0 <= dot u u.
Proof. by apply: sumr_ge0 => i _; rewrite -expr2 sqr_ge0. Qed.

Lemma dot_eq0 u : (dot u u == 0) = (u == 0).
Proof.
apply/eqP/eqP => [h|->]; last by rewrite dot0l.
apply/matrixP => i j; rewrite ord1 mxE.
have /allP /(_ i) : all (fun k : 'I_n => true ==> (u k 0 * u k 0 == 0)) (index_enum _).
  rewrite -psumr_eq0; first by rewrite -/(dot u u) h.
  by move=> k _; rewrite -expr2 sqr_ge0.
by rewrite mem_index_enum /= -expr2 sqrf_eq0 => /(_ isT) /eqP.
Qed.

Lemma dot_gt0 u : (0 < dot u u) = (u != 0).
Proof. by rewrite lt_def dot_ge0 andbT dot_eq0. Qed.

Lemma cauchy_schwarz_sqr u v : dot u v ^+ 2 <= dot u u * dot v v.
Proof.
have [->|v0] := eqVneq v 0; first by rewrite !dot0r expr0n mulr0.
have b0 : 0 < dot v v by rewrite dot_gt0.
have := dot_ge0 (dot v v *: u - dot u v *: v).
rewrite !(dotBl, dotBr, dotZl, dotZr) (dotC v u).
set a := dot u u; set b := dot v v in b0 *; set c := dot u v.
rewrite [X in 0 <= X](_ : _ = b * (a * b - c ^+ 2)); last by mring R.
by rewrite pmulr_rge0 // subr_ge0.
Qed.

End Dot.

Lemma dot_mulmxl (R : realFieldType) m n (A : 'M[R]_(m, n)) u v :
  dot (A *m u) v = dot u (A^T *m v).
Proof. by rewrite -!dotE trmx_mul mulmxA. Qed.

Section Norm.
Variables (R : rcfType) (n : nat).
Implicit Types (u v w : 'cV[R]_n) (c : R).

Definition norm u : R := Num.sqrt (dot u u).

Lemma norm_ge0 u : 0 <= norm u.
Proof. exact: sqrtr_ge0. Qed.

Lemma norm_sqr u : norm u ^+ 2 = dot u u.
Proof. by rewrite sqr_sqrtr // dot_ge0. Qed.

Lemma norm_eq0 u : (norm u == 0) = (u == 0).
Proof. by rewrite -sqrf_eq0 norm_sqr dot_eq0. Qed.

Lemma norm_gt0 u : (0 < norm u) = (u != 0).
Proof. by rewrite lt_def norm_ge0 andbT norm_eq0. Qed.

Lemma normZ c u : norm (c *: u) = `|c| * norm u.
Proof.
by rewrite /norm dotZl dotZr mulrA -expr2 sqrtrM ?sqr_ge0 // sqrtr_sqr.
Qed.

Lemma normN u : norm (- u) = norm u.
Proof. by rewrite -scaleN1r normZ normrN1 mul1r. Qed.

Lemma cauchy_schwarz u v : `|dot u v| <= norm u * norm v.
Proof.
rewrite -(@ler_pexpn2r _ 2) ?nnegrE ?mulr_ge0 ?norm_ge0 //.
by rewrite real_normK ?num_real // exprMn !norm_sqr cauchy_schwarz_sqr.
Qed.

Lemma norm_triangle u v : norm (u + v) <= norm u + norm v.
Proof.
rewrite -(@ler_pexpn2r _ 2) ?nnegrE ?addr_ge0 ?norm_ge0 //.
rewrite norm_sqr sqrrD !norm_sqr dotDl !dotDr (dotC v u) addrA.
rewrite ler_add2r -addrA ler_add2l -mulr2n ler_muln2r /=.
exact: le_trans (ler_norm _) (cauchy_schwarz _ _).
Qed.

End Norm.
