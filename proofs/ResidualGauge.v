(* RR-4 and RR-5: the captured share of the 1-bit residual changes with the gauge,
   and what a rank-r correction costs in bits. *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.algebra_tactics Require Import ring.
From Routegauge Require Import InnerProduct OneBit Residual.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section Gauge.
Variable R : rcfType.

Lemma two_cases (l : 'I_2) : l = 0 \/ l = 1.
Proof. by case: l => [[|[|//]]] hl; [left | right]; apply: val_inj. Qed.

Lemma captured_const (A U V : 'M[R]_2) (a : R) : a != 0 ->
  U^T *m U = 1%:M -> V^T *m V = 1%:M -> A = U *m diag_mx (const_mx a) *m V^T ->
  captured 1 A (const_mx a : 'rV[R]_2) = 2%:R^-1.
Proof.
move=> a0 hU hV ->; rewrite /captured frob2_svd // !sum2 !mxE /= mulr1n mulr0n.
by rewrite expr0n addr0 -mulr2n -[_ *+ 2]mulr_natl invfM mulrCA divff ?mulr1 // sqrf_eq0.
Qed.

(* RR-4. (d) gamma_r of the residual does change with the gauge: K = I_2 has a
   residual whose first singular value captures everything, while after the
   rotation by the angle with cosine 3/5 and sine 4/5 it captures one half. *)
Theorem RR_4_d_gamma_of_residual_depends_on_gauge :
  let K : 'M[R]_2 := 1%:M in
  let O : 'M[R]_2 := \matrix_(i, j)
    (if i == 0 then (if j == 0 then 3%:R / 5%:R else - (4%:R / 5%:R))
     else if j == 0 then 4%:R / 5%:R else 3%:R / 5%:R) in
  exists (U V : 'M[R]_(2, 1)) (s : 'rV[R]_1) (U' V' : 'M[R]_2) (s' : 'rV[R]_2),
  [/\ O^T *m O = 1%:M, svd (K - row_code K) U s V,
      svd (K *m O^T - row_code (K *m O^T)) U' s' V',
      captured 1 (K - row_code K) s = 1 &
      captured 1 (K *m O^T - row_code (K *m O^T)) s' = 2%:R^-1].
Proof.
move=> K O; have [svdE zero _ _ _] := RR_4_b_identity_counterexample R.
set u := \matrix_(i, j) _ in svdE zero.
have pos5 : 0 < 5%:R^-1 :> R by rewrite invr_gt0 ltr0n.
have mxE2 (A B : 'M[R]_2) i j : (A *m B) i j = A i 0 * B 0 j + A i 1 * B 1 j.
  by rewrite mxE sum2.
have two (l : 'I_2) := two_cases l.
have orth : O^T *m O = 1%:M.
  apply/matrixP => i j; rewrite mxE2 !mxE.
  by case: (two i) => ->; case: (two j) => -> /=; field.
have KO : K *m O^T = O^T by rewrite mul1mx.
pose a : R := Num.sqrt (50%:R^-1).
have a2 : a ^+ 2 = 50%:R^-1 by rewrite sqr_sqrtr // invr_ge0 ler0n.
have a0 : a != 0 by rewrite -sqrf_eq0 a2 invr_eq0 pnatr_eq0.
have ap : 0 <= a by apply: sqrtr_ge0.
(* The residual of the turned keys is 1/10 times a matrix with orthogonal columns. *)
pose E' : 'M[R]_2 := \matrix_(i, j)
  (if i == j then - 10%:R^-1 else if i == 0 then 10%:R^-1 else - 10%:R^-1).
have l1E i : l1 (row i O^T)^T = 7%:R / 5%:R.
  have n3 : `|3%:R / 5%:R| = 3%:R / 5%:R :> R by rewrite ger0_norm // divr_ge0 ?ler0n.
  have n4 : `|4%:R / 5%:R| = 4%:R / 5%:R :> R by rewrite ger0_norm // divr_ge0 ?ler0n.
  by rewrite /l1 sum2 !mxE; case: (two i) => -> /=; rewrite ?normrN ?n3 ?n4; field.
have sg3 : sgn1 (3%:R / 5%:R : R) = 1 by rewrite /sgn1 divr_ge0 ?ler0n.
have sg4 : sgn1 (4%:R / 5%:R : R) = 1 by rewrite /sgn1 divr_ge0 ?ler0n.
have sgm : sgn1 (- (4%:R / 5%:R) : R) = -1.
  by rewrite /sgn1 oppr_ge0 leNgt divr_gt0 ?ltr0n.
have EE : O^T - row_code O^T = E'.
  apply/matrixP => i j; rewrite !mxE l1E.
  by case: (two i) => ->; case: (two j) => -> /=; rewrite ?sg3 ?sg4 ?sgm; field.
pose U' : 'M[R]_2 := a^-1 *: E'.
have hU' : U'^T *m U' = 1%:M.
  have ai : a^-1 * a^-1 = 50%:R by rewrite -invfM -expr2 a2 invrK.
  have -> : U'^T = a^-1 *: E'^T by apply/matrixP => i j; rewrite !mxE.
  rewrite -scalemxAl -scalemxAr scalerA ai; apply/matrixP => i j; rewrite mxE mxE2 !mxE.
  by case: (two i) => ->; case: (two j) => -> /=; field.
have E'E : E' = U' *m diag_mx (const_mx a) *m 1%:M^T.
  by rewrite trmx1 mulmx1 diag_const_mx mul_mx_scalar scalerA divff ?scale1r.
have h1 : (1%:M : 'M[R]_2)^T *m 1%:M = 1%:M by rewrite trmx1 mulmx1.
exists u, u, (const_mx 1), U', 1%:M, (const_mx a); split=> //.
- by rewrite KO EE; split=> // [i|i j _]; rewrite !mxE.
- have [hu _ _ _ Ee] := svdE.
  have f1 : frob2 (K - row_code K) = 1.
    by rewrite [X in frob2 X]Ee frob2_svd // big_ord1 mxE expr1n.
  by rewrite /captured f1 big_ord1 !mxE /= mulr1n expr1n divr1.
by rewrite KO EE (captured_const a0 hU' h1 E'E).
Qed.

End Gauge.

Section Budget.
Variable R : realFieldType.

(* Bits per coordinate of d signs, a 16-bit scale and r 16-bit coefficients (the
   basis is fixed offline and not counted). *)
Definition bit_rate (r d : nat) : R := (d%:R + 16%:R * (1 + r%:R)) / d%:R.

(* RR-5. (a) The rate is 1 + 16 (r+1)/d bits a coordinate: 2.125 for r = 8 and
   d = 128. *)
Theorem RR_5_a_bit_rate (r d : nat) : (0 < d)%N ->
  bit_rate r d = 1 + 16%:R * r.+1%:R / d%:R /\ bit_rate 8 128 = 17%:R / 8%:R.
Proof.
move=> d0; have dn : d%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
split; last by rewrite /bit_rate; field.
by rewrite /bit_rate mulrDl divff // (mulrS 1 r).
Qed.

(* RR-5. (b) A correction that captures gamma of a residual of relative energy e1
   is at least as good as another code of error e2 exactly when
   gamma >= 1 - e2/e1; against Gaussian 2-bit Lloyd-Max (0.1175, from 0.3634) the
   threshold lies between 0.676 and 0.677. *)
Theorem RR_5_b_break_even (e1 e2 gamma : R) : 0 < e1 ->
  (e1 * (1 - gamma) <= e2 <-> 1 - e2 / e1 <= gamma) /\
  (676%:R / 1000%:R < 1 - 1175%:R / 3634%:R :> R) /\
  (1 - 1175%:R / 3634%:R < 677%:R / 1000%:R :> R).
Proof.
move=> e0; split.
  by rewrite mulrC -ler_pdivl_mulr // ler_subl_addr ler_subl_addl; split.
have -> : 1 - 1175%:R / 3634%:R = 2459%:R / 3634%:R :> R by field.
split; rewrite -subr_gt0.
  rewrite (_ : _ - _ = 2416%:R / (3634%:R * 1000%:R)); last by field.
  by rewrite divr_gt0 ?mulr_gt0 ?ltr0n.
rewrite (_ : _ - _ = 1218%:R / (3634%:R * 1000%:R)); last by field.
by rewrite divr_gt0 ?mulr_gt0 ?ltr0n.
Qed.

End Budget.
