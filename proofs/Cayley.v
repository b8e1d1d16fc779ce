(* The Cayley transform (1 - A/2)^-1 (1 + A/2) of a skew matrix A: an orthogonal
   matrix, 1 + A + A^2/2 up to an explicit cubic remainder.  Helpers of LH-4 and
   GS-1; no entry of the catalogue lives here. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Routegauge Require Import FieldTactics InnerProduct OneBit GaugeSearch.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section Cayley.
Variables (R : rcfType) (d : nat).
Implicit Types (A M : 'M[R]_d) (x y : 'cV[R]_d).
Add Field cayley_field : (mc_field_theory R).

Definition skew A := A^T = - A.
Let a : R := 2%:R^-1.
Definition minus_half A : 'M[R]_d := 1%:M - a *: A.
Definition plus_half A : 'M[R]_d := 1%:M + a *: A.
Definition cayley A : 'M[R]_d := invmx (minus_half A) *m plus_half A.

Lemma half_sum : a + a = 1.
Proof. by rewrite /a -{3}[1]mulr1 [RHS]splitr !mul1r. Qed.

Lemma skewZ (t : R) A : skew A -> skew (t *: A).
Proof. by move=> sk; rewrite /skew linearZ /= sk scalerN. Qed.

Lemma skew_dot A x : skew A -> dot x (A *m x) = 0.
Proof.
move=> sk; have : dot x (A *m x) = - dot x (A *m x).
  by rewrite {1}dotC dot_mulmxl sk mulNmx dotNr.
by move/eqP; rewrite -addr_eq0 -mulr2n mulrn_eq0 => /eqP.
Qed.

Lemma half_dot_ge0 x : 0 <= a ^+ 2 * dot x x.
Proof. by apply: mulr_ge0; [apply: sqr_ge0 | apply: dot_ge0]. Qed.

Lemma minus_half_norm A x : skew A ->
  dot (minus_half A *m x) (minus_half A *m x) = dot x x + a ^+ 2 * dot (A *m x) (A *m x).
Proof.
move=> sk; rewrite /minus_half mulmxBl mul1mx -scalemxAl !(dotBl, dotBr, dotZl, dotZr).
rewrite (dotC (A *m x) x) skew_dot //; move: (dot x x) (dot (A *m x) (A *m x)) => u v.
by mring R.
Qed.

Lemma minus_half_tr A : skew A -> (minus_half A)^T = plus_half A.
Proof. by move=> sk; rewrite /minus_half linearB linearZ /= trmx1 sk scalerN opprK. Qed.

Lemma plus_half_tr A : skew A -> (plus_half A)^T = minus_half A.
Proof. by move=> sk; rewrite -minus_half_tr // trmxK. Qed.

Lemma minus_half_unit A : skew A -> minus_half A \in unitmx.
Proof.
move=> sk; rewrite -unitmx_tr -row_free_unit -kermx_eq0; apply/eqP/row_matrixP => i.
rewrite row0; set v := row i _; have : v *m (minus_half A)^T = 0.
  by apply/sub_kermxP; apply: row_sub.
move/(congr1 trmx); rewrite trmx_mul trmxK trmx0 => z.
have := minus_half_norm v^T sk; rewrite z dot0l => /esym/eqP.
rewrite paddr_eq0 ?half_dot_ge0 ?dot_ge0 // => /andP[v0 _].
by move: v0; rewrite dot_eq0 => /eqP v0; rewrite -[v]trmxK v0 trmx0.
Qed.

Lemma halves_commute A : plus_half A *m minus_half A = minus_half A *m plus_half A.
Proof.
rewrite /plus_half /minus_half; move: (a *: A) => X.
have -> : (1%:M + X) *m (1%:M - X) = 1%:M - X *m X.
  by rewrite mulmxDl mul1mx mulmxBr mulmx1 addrA subrK.
by rewrite mulmxBl mul1mx mulmxDr mulmx1 opprD addrA addrK.
Qed.

Lemma minus_cayley A : skew A -> minus_half A *m cayley A = plus_half A.
Proof. by move=> sk; rewrite /cayley mulmxA mulmxV ?mul1mx // minus_half_unit. Qed.

Lemma cayley_minus A : skew A -> cayley A *m minus_half A = plus_half A.
Proof. by move=> sk; rewrite /cayley -mulmxA halves_commute mulmxA mulVmx ?mul1mx // minus_half_unit. Qed.

Lemma cayley_orth A : skew A -> orthogonal (cayley A).
Proof.
move=> sk; have sU := minus_half_unit sk.
have tr : (cayley A)^T *m plus_half A = minus_half A.
  by rewrite -(minus_half_tr sk) -trmx_mul minus_cayley // plus_half_tr.
rewrite /orthogonal; apply: (can_inj (mulmxK sU)).
by rewrite mul1mx -mulmxA cayley_minus.
Qed.

(* The inverse of 1 - A/2 does not lengthen. *)
Lemma inv_minus_half_norm A y : skew A -> norm (invmx (minus_half A) *m y) <= norm y.
Proof.
move=> sk; set x := invmx _ *m y.
have -> : y = minus_half A *m x by rewrite mulmxA mulmxV ?mul1mx // minus_half_unit.
by rewrite /norm; apply: ler_wsqrtr; rewrite minus_half_norm // ler_addl half_dot_ge0.
Qed.

(* First, second and third order. *)
Lemma cayley_order1 A : skew A -> cayley A = 1%:M + invmx (minus_half A) *m A.
Proof.
move=> sk; have sU := minus_half_unit sk; apply: (can_inj (mulKmx sU)).
rewrite minus_cayley // mulmxDr mulmx1 mulmxA mulmxV // mul1mx /plus_half /minus_half.
by rewrite -addrA; congr (_ + _); rewrite -[in X in _ = _ + X](scale1r A) -half_sum scalerDl addrA addNr add0r.
Qed.

Lemma cayley_order2 A : skew A ->
  cayley A = 1%:M + A + invmx (minus_half A) *m (a *: (A *m A)).
Proof.
move=> sk; have sU := minus_half_unit sk; apply: (can_inj (mulKmx sU)).
rewrite minus_cayley // [RHS]mulmxDr mulmxDr mulmx1 mulmxA mulmxV // mul1mx.
rewrite /plus_half /minus_half mulmxBl mul1mx -scalemxAl addrA subrK.
by rewrite -addrA; congr (_ + _); rewrite -[in X in _ = _ + X](scale1r A) -half_sum scalerDl addrA addNr add0r.
Qed.

Lemma cayley_order3 A : skew A -> cayley A = 1%:M + A + a *: (A *m A) +
  invmx (minus_half A) *m (a ^+ 2 *: (A *m A *m A)).
Proof.
move=> sk; rewrite cayley_order2 //; rewrite -[RHS]addrA; congr (_ + _).
have sU := minus_half_unit sk; apply: (can_inj (mulKmx sU)).
rewrite mulmxDr !mulmxA mulmxV // !mul1mx /minus_half mulmxBl mul1mx -scalemxAl -scalemxAr.
by rewrite scalerA -expr2 mulmxA subrK.
Qed.

Lemma entry_le_norm x i : `|x i 0| <= norm x.
Proof.
rewrite -sqrtr_sqr /norm; apply: ler_wsqrtr; rewrite /dot (bigD1 i) //= -expr2 ler_addl.
by apply: sumr_ge0 => l _; rewrite -expr2 sqr_ge0.
Qed.

(* The trace against a matrix that does not lengthen. *)
Lemma trace_contraction (W N : 'M[R]_d) : (forall y, norm (W *m y) <= norm y) ->
  `|\tr (W *m N)| <= \sum_j norm (col j N).
Proof.
move=> short; rewrite /mxtrace; apply: le_trans (ler_norm_sum _ _ _) _.
apply: ler_sum => j _; apply: le_trans (short (col j N)).
have -> : (W *m N) j j = (W *m col j N) j 0 by rewrite !mxE; apply: eq_bigr => l _; rewrite mxE.
exact: entry_le_norm.
Qed.

End Cayley.
