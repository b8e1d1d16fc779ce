(* RR-1: the truncated singular value decomposition is the best correction of
   rank r, from a decomposition given as data. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Routegauge Require Import FieldTactics InnerProduct Residual Projections.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section EckartYoung.
Variables (R : realFieldType) (m n p : nat).
Implicit Types (U : 'M[R]_(m, p)) (V : 'M[R]_(n, p)) (s : 'rV[R]_p).
Add Field eckart_field : (mc_field_theory R).

(* RR-1. (a) What the truncation to r singular values leaves is the sum of the
   squares of the others (numbered from 0). *)
Theorem RR_1_a_truncation_error r (A : 'M[R]_(m, n)) U s V : svd A U s V ->
  frob2 (A - truncation r U s V) = \sum_(i < p | (r <= i)%N) s 0 i ^+ 2.
Proof.
case=> hU hV _ _ ->; rewrite /truncation -mulmxBl -mulmxBr -linearB /= frob2_svd //.
rewrite [RHS]big_mkcond; apply: eq_bigr => i _; rewrite !mxE ltnNge.
by case: (r <= i)%N; rewrite ?mulr0n ?mulr1n ?subr0 // subrr expr0n.
Qed.

(* Weights in [0,1] of total at most r catch no more of a decreasing sequence than
   its first r terms. *)
Lemma ky_fan_weights r (a w : 'I_p -> R) :
  (forall i, 0 <= a i) -> (forall i j : 'I_p, (i <= j)%N -> a j <= a i) ->
  (forall i, 0 <= w i <= 1) -> \sum_i w i <= r%:R ->
  \sum_i a i * w i <= \sum_(i < p | (i < r)%N) a i.
Proof.
move=> a0 mono w01 tot.
have [pr|rp] := leqP p r.
  apply: (@le_trans _ _ (\sum_i a i)).
    by apply: ler_sum => i _; rewrite ler_pimulr //; case/andP: (w01 i).
  rewrite le_eqVlt; apply/orP; left; apply/eqP; apply: eq_bigl => i.
  by rewrite (leq_trans (ltn_ord i)).
pose c := a (Ordinal rp).
have -> : \sum_i a i * w i = \sum_i (a i - c) * w i + c * \sum_i w i.
  by rewrite mulr_sumr -big_split; apply: eq_bigr => i _ /=; rewrite mulrBl subrK.
have -> : \sum_(i < p | (i < r)%N) a i = \sum_(i < p | (i < r)%N) (a i - c) + c * r%:R.
  rewrite sumrB; have -> : \sum_(i < p | (i < r)%N) c = c * r%:R; last by rewrite subrK.
  by rewrite (big_ord_narrow (ltnW rp)) sumr_const card_ord mulr_natr.
apply: ler_add; last by apply: ler_wpmul2l; rewrite ?a0.
rewrite [X in _ <= X]big_mkcond; apply: ler_sum => i _.
have /andP[wi0 wi1] := w01 i; case: ltnP => ir.
  by rewrite ler_pimulr // subr_ge0; apply: mono => /=; apply: ltnW.
by rewrite mulr_le0_ge0 // subr_le0; apply: mono.
Qed.

(* RR-1. (b) Eckart-Young: no matrix of rank at most r leaves less. *)
Theorem RR_1_b_lower_bound r (A B : 'M[R]_(m, n)) U s V : svd A U s V ->
  (\rank B <= r)%N -> \sum_(i < p | (r <= i)%N) s 0 i ^+ 2 <= frob2 (A - B).
Proof.
move=> svdA rB; have [hU hV s0 mono AE] := svdA.
have inner := inner_inverse_exists (B *m B^T).
set P := row_proj B (pinvmx (B *m B^T)).
have Psym : P^T = P := row_proj_sym inner.
have Pidem : P *m P = P := row_proj_idem inner.
have BP : B *m P = B := mul_row_proj inner.
have trP : \tr P = (\rank B)%:R := row_proj_trace inner.
clearbody P.
apply: (@le_trans _ _ (frob2 (A *m (1%:M - P)))); last first.
  have := proj_best Psym Pidem A 1%:M BP; rewrite mul1mx => ->.
  by rewrite ler_addl frob2_ge0.
(* w_i is the share of the i-th right singular vector that B's rows reach. *)
pose w i := dot (P *m col i V) (P *m col i V).
have VV i : dot (col i V) (col i V) = 1.
  have := congr1 (fun X : 'M_p => X i i) hV; rewrite !mxE eqxx mulr1n => <-.
  by apply: eq_bigr => l _; rewrite !mxE.
have w01 i : 0 <= w i <= 1.
  rewrite dot_ge0 /=; have := dot_ge0 ((1%:M - P) *m col i V).
  rewrite dot_mulmxl proj_compl_sym // mulmxA proj_compl_idem // mulmxBl mul1mx dotBr VV.
  by rewrite /w dot_mulmxl Psym mulmxA Pidem subr_ge0.
have colP X q (Y : 'M[R]_(X, q)) : frob2 Y = \sum_j dot (col j Y) (col j Y).
  by rewrite -frob2_tr frob2_rows; apply: eq_bigr => j _; rewrite -tr_col trmxK.
have tot : \sum_i w i <= r%:R.
  have -> : \sum_i w i = frob2 (P *m V).
    by rewrite colP; apply: eq_bigr => i _; rewrite /w !colE mulmxA.
  apply: (@le_trans _ _ (frob2 P)); last first.
    by rewrite /frob2 Psym Pidem trP ler_nat.
  have VVidem : V *m V^T *m (V *m V^T) = V *m V^T by rewrite !mulmxA -(mulmxA V) hV mulmx1.
  have VVsym : (V *m V^T)^T = V *m V^T by rewrite trmx_mul trmxK.
  rewrite (frob2_proj_split VVsym VVidem P).
  have -> : frob2 (P *m (V *m V^T)) = frob2 (P *m V).
    by rewrite /frob2 !trmx_mul trmxK !mulmxA -(mulmxA _ V^T V) hV mulmx1.
  by rewrite ler_addl frob2_ge0.
have head : frob2 (A *m P) = \sum_i s 0 i ^+ 2 * w i.
  have -> : A *m P = U *m (diag_mx s *m (V^T *m P)) by rewrite AE !mulmxA.
  rewrite frob2_iso // frob2_rows; apply: eq_bigr => i _.
  have -> : (row i (diag_mx s *m (V^T *m P)))^T = s 0 i *: (P *m col i V).
    by rewrite row_mul row_diag_mx -scalemxAl -rowE linearZ /= row_mul trmx_mul Psym -tr_col trmxK.
  by rewrite dotZl dotZr mulrA -expr2.
have total : frob2 A = \sum_i s 0 i ^+ 2 by rewrite AE frob2_svd.
have : frob2 (A *m (1%:M - P)) = frob2 A - frob2 (A *m P).
  by rewrite (frob2_proj_split Psym Pidem A) addrAC subrr add0r.
move=> ->; rewrite total head ler_subr_addl.
rewrite [X in _ <= X](bigID (fun i : 'I_p => (i < r)%N)) /=.
rewrite [X in _ + X <= _](eq_bigl (fun i : 'I_p => ~~ (i < r)%N)) => [|i]; last by rewrite leqNgt.
rewrite ler_add2r; apply: (@ky_fan_weights r (fun i => s 0 i ^+ 2)) => //.
  by move=> i; apply: sqr_ge0.
by move=> i j ij; rewrite ler_pexpn2r ?nnegrE ?s0 // mono.
Qed.

(* RR-1. (c) Together: the truncation is a best correction of rank at most r. *)
Theorem RR_1_c_best_correction r (A : 'M[R]_(m, n)) U s V : svd A U s V ->
  (\rank (truncation r U s V) <= r)%N /\
  forall B : 'M[R]_(m, n), (\rank B <= r)%N ->
    frob2 (A - truncation r U s V) <= frob2 (A - B).
Proof.
move=> svdA; split=> [|B rB]; last first.
  by rewrite (RR_1_a_truncation_error r svdA) (RR_1_b_lower_bound svdA).
apply: leq_trans (mxrankM_maxl _ _) _; apply: leq_trans (mxrankM_maxr _ _) _.
have [pr|rp] := leqP p r; first exact: leq_trans (rank_leq_row _) pr.
have -> : diag_mx (head_vals r s) = diag_mx (head_vals r s) *m pid_mx r.
  apply/matrixP => i j; rewrite mul_diag_mx !mxE.
  by case: ltnP => ir; rewrite ?mulr0n ?mulr1n ?andbT ?andbF ?mul0r ?mul0rn // mulr_natr.
by apply: leq_trans (mxrankM_maxr _ _) _; rewrite rank_pid_mx // ltnW.
Qed.

End EckartYoung.
