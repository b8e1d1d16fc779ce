(* Family RR: 1-bit code plus a rank-r correction.  A singular value
   decomposition is given as data: orthonormal U, V and values s; truncation
   keeps the first r values. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Routegauge Require Import FieldTactics InnerProduct OneBit.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section Frobenius.
Variables (R : realFieldType).
Add Field frobenius_field : (mc_field_theory R).

(* Squared Frobenius norm. *)
Definition frob2 m n (A : 'M[R]_(m, n)) : R := \tr (A *m A^T).

Lemma frob2E m n (A : 'M[R]_(m, n)) : frob2 A = \sum_i \sum_j A i j ^+ 2.
Proof.
apply: eq_bigr => i _; rewrite mxE; apply: eq_bigr => j _.
by rewrite mxE expr2.
Qed.

Lemma frob2_rows m n (A : 'M[R]_(m, n)) : frob2 A = \sum_i dot (row i A)^T (row i A)^T.
Proof.
rewrite frob2E; apply: eq_bigr => i _; apply: eq_bigr => j _.
by rewrite !mxE expr2.
Qed.

Lemma frob2_eq0 m n (A : 'M[R]_(m, n)) : frob2 A = 0 -> A = 0.
Proof.
rewrite frob2_rows => /eqP; rewrite psumr_eq0 => [/allP h|i _]; last exact: dot_ge0.
apply/row_matrixP => i; have := h i; rewrite mem_index_enum => /(_ isT).
by rewrite /= dot_eq0 row0 -(inj_eq (@trmx_inj _ _ _)) trmxK trmx0 => /eqP.
Qed.

Variables (m n p : nat).
Implicit Types (U : 'M[R]_(m, p)) (V : 'M[R]_(n, p)) (s : 'rV[R]_p).

(* (U, s, V) is a singular value decomposition of A. *)
Definition svd (A : 'M[R]_(m, n)) U s V :=
  [/\ U^T *m U = 1%:M, V^T *m V = 1%:M, forall i, 0 <= s 0 i,
      forall i j : 'I_p, (i <= j)%N -> s 0 j <= s 0 i & A = U *m diag_mx s *m V^T].
Definition head_vals r s : 'rV[R]_p := \row_i (s 0 i *+ (i < r)%N).
Definition tail_vals r s : 'rV[R]_p := \row_i (s 0 i *+ (r <= i)%N).
Definition truncation r U s V := U *m diag_mx (head_vals r s) *m V^T.
(* gamma_r: share of the energy of A in the first r singular values. *)
Definition captured r (A : 'M[R]_(m, n)) s : R := (\sum_i (head_vals r s) 0 i ^+ 2) / frob2 A.

Lemma frob2_svd U s V : U^T *m U = 1%:M -> V^T *m V = 1%:M ->
  frob2 (U *m diag_mx s *m V^T) = \sum_i s 0 i ^+ 2.
Proof.
move=> hU hV; rewrite /frob2 !trmx_mul trmxK tr_diag_mx -!mulmxA (mulmxA V^T) hV mul1mx.
rewrite mxtrace_mulC -!mulmxA hU mulmx1 mulmx_diag mxtrace_diag.
by apply: eq_bigr => i _; rewrite mxE expr2.
Qed.

(* The achieved value of Eckart-Young: truncation leaves the tail energy. *)
Lemma truncation_error r A U s V : svd A U s V ->
  frob2 (A - truncation r U s V) = frob2 A * (1 - captured r A s).
Proof.
case=> hU hV s0 _ ->; rewrite /truncation -mulmxBl -mulmxBr -linearB /= frob2_svd //.
rewrite /captured frob2_svd //; set S := \sum_i s 0 i ^+ 2.
have split : S = \sum_i (head_vals r s) 0 i ^+ 2 + \sum_i (s - head_vals r s) 0 i ^+ 2.
  rewrite -big_split; apply: eq_bigr => i _; rewrite !mxE /=.
  by case: (i < r)%N; rewrite ?mulr0n ?mulr1n ?subrr ?subr0 expr0n ?addr0 ?add0r.
have [S0|S0] := eqVneq S 0.
  rewrite S0 mul0r; apply: big1 => i _; apply/eqP; rewrite eq_le sqr_ge0 andbT.
  rewrite -S0 split; apply: ler_paddl; first by apply: sumr_ge0 => j _; apply: sqr_ge0.
  by rewrite (bigD1 i) //= ler_addl; apply: sumr_ge0 => j _; apply: sqr_ge0.
by rewrite mulrBr mulr1 mulrCA mulfV // mulr1 split addrAC subrr add0r.
Qed.

End Frobenius.

Section RowCode.
Variables (R : realFieldType) (N d : nat).
Hypothesis d0 : (0 < d)%N.
Implicit Types (K : 'M[R]_(N, d)).
Add Field rowcode_field : (mc_field_theory R).

(* Row-wise 1-bit code with the best scale, and beta_E. *)
Definition row_code K : 'M[R]_(N, d) := \matrix_(i, j) onebit (row i K)^T j 0.
Definition beta_E K : R := (\sum_i l1 (row i K)^T ^+ 2) / (d%:R * frob2 K).

Lemma row_code_residual K : frob2 (K - row_code K) = frob2 K * (1 - beta_E K).
Proof.
have d0' : d%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
have e : frob2 (K - row_code K) = frob2 K - (\sum_i l1 (row i K)^T ^+ 2) / d%:R.
  rewrite (frob2_rows (K - _)) (frob2_rows K) mulr_suml -sumrB; apply: eq_bigr => i _.
  rewrite -onebit_energy //; congr (dot _ _); apply/colP => j; by rewrite !mxE.
rewrite e /beta_E; have [z|K0] := eqVneq (frob2 K) 0.
  have Kz := frob2_eq0 z; rewrite z mul0r Kz big1 ?mul0r ?subr0 // => i _.
  by rewrite /l1 big1 ?expr0n // => j _; rewrite !mxE normr0.
move: (frob2 K) K0 (\sum_i _) => F F0 L.
by mfield R; split; apply/eqP.
Qed.

(* RR-2. 1-bit first, then the rank-r truncation of the RESIDUAL E = K - Q: the
   relative error is (1 - beta_E(K)) (1 - gamma_r(E)), gamma_r read off an SVD of
   E; that is, beta_eff = 1 - (1 - beta_E)(1 - gamma_r) exactly. *)
Theorem RR_2_post_correction_identity K p r (U : 'M[R]_(N, p)) s (V : 'M[R]_(d, p)) :
  svd (K - row_code K) U s V ->
  frob2 (K - row_code K - truncation r U s V) =
  (1 - beta_E K) * (1 - captured r (K - row_code K) s) * frob2 K.
Proof.
move=> h; rewrite (truncation_error r h) row_code_residual.
by rewrite -mulrA mulrC.
Qed.

(* RR-3. Low rank first: with L = K_r the error is
   (1 - gamma_r(K)) (1 - beta_E(K - K_r)). *)
Theorem RR_3_pre_correction_identity K p r (U : 'M[R]_(N, p)) s (V : 'M[R]_(d, p)) :
  svd K U s V ->
  let L := truncation r U s V in
  frob2 (K - L - row_code (K - L)) =
  (1 - captured r K s) * (1 - beta_E (K - L)) * frob2 K.
Proof.
move=> h L; rewrite row_code_residual (truncation_error r h).
by rewrite [in RHS]mulrC mulrA.
Qed.

(* RR-4. (a) gamma_r of the key matrix does not see the gauge: an SVD of K gives
   one of K R^T with the same singular values. *)
Theorem RR_4_a_gamma_of_keys_gauge_invariant K p (U : 'M[R]_(N, p)) s (V : 'M[R]_(d, p))
    (O : 'M[R]_d) : O^T *m O = 1%:M -> svd K U s V ->
  svd (K *m O^T) U s (O *m V) /\
  forall r, captured r (K *m O^T) s = captured r K s.
Proof.
move=> orth [hU hV s0 mono KE]; have hOV : (O *m V)^T *m (O *m V) = 1%:M.
  by rewrite trmx_mul -mulmxA (mulmxA O^T) orth mul1mx.
have KO : K *m O^T = U *m diag_mx s *m (O *m V)^T by rewrite KE trmx_mul !mulmxA.
split; first by split.
by move=> r; rewrite /captured KO KE !frob2_svd.
Qed.

End RowCode.

Section Counterexamples.
Variable R : rcfType.
Add Field counter_field : (mc_field_theory R).

Lemma sum2 (F : 'I_2 -> R) : \sum_i F i = F 0 + F 1.
Proof. by rewrite big_ord_recl big_ord1; congr (_ + F _); apply: val_inj. Qed.

(* RR-4. (b) K = I_2, r = 1: the residual has rank one, so the true beta_eff is 1
   (no error left) while gamma_1(K) = beta_E(K) = 1/2, so the formula with gamma
   of the key matrix says 3/4. *)
Theorem RR_4_b_identity_counterexample :
  let K : 'M[R]_2 := 1%:M in
  let E := K - row_code K in
  let h : R := (Num.sqrt 2%:R)^-1 in
  let u : 'M[R]_(2, 1) := \matrix_(i, j) (if i == 0 then h else - h) in
  [/\ svd E u (const_mx 1) u, frob2 (E - truncation 1 u (const_mx 1) u) = 0,
      beta_E K = 2%:R^-1, svd K 1%:M (const_mx 1) 1%:M &
      captured 1 K (const_mx 1 : 'rV[R]_2) = 2%:R^-1 /\
      1 - (1 - beta_E K) * (1 - captured 1 K (const_mx 1 : 'rV[R]_2)) = 3%:R / 4%:R].
Proof.
move=> K E h u.
have n2 : (2%:R : R) <> 0 by apply/eqP; rewrite pnatr_eq0.
have hh : h * h = 2%:R^-1 by rewrite -expr2 exprVn sqr_sqrtr // ler0n.
have l1E i : l1 (row i K)^T = 1.
  rewrite /l1 (bigD1 i) //= !mxE eqxx normr1 big1 ?addr0 // => j ji.
  by rewrite !mxE eq_sym (negPf ji) normr0.
have codeE i j : row_code K i j = 2%:R^-1.
  by rewrite !mxE l1E /sgn1 ?mxE; case: (_ == _); rewrite ?ler01 ?lexx mulr1 mul1r.
have uu : u^T *m u = 1%:M.
  apply/matrixP => i j; rewrite !ord1 mxE sum2 !mxE /= mulrNN hh ?eqxx ?mulr1n.
  by rewrite [RHS](splitr 1) !mul1r.
have two (l : 'I_2) : l = 0 \/ l = 1.
  by case: l => [[|[|//]]] hl; [left | right]; apply: val_inj.
have half : 1 - 2%:R^-1 = 2%:R^-1 :> R by rewrite {1}[1](splitr 1) !mul1r addrK.
have EE : E = u *m diag_mx (const_mx 1) *m u^T.
  rewrite diag_const_mx mulmx1; apply/matrixP => i j.
  rewrite mxE [X in _ + X]mxE codeE [RHS]mxE big_ord1 !mxE.
  case: (two i) => ->; case: (two j) => -> /=;
    by rewrite ?mulr1n ?mulr0n ?mulrNN ?mulrN ?mulNr hh ?half ?sub0r.
have svdE : svd E u (const_mx 1) u.
  by split=> // [i|i j _]; rewrite !mxE ?ler01 ?lexx.
have fK : frob2 K = 2%:R by rewrite /frob2 mul1mx trmx1 mxtrace1.
have bE : beta_E K = 2%:R^-1.
  rewrite /beta_E fK (eq_bigr (fun=> 1)) ?sum2 => [|i _]; last by rewrite l1E expr1n.
  by rewrite -[1 + 1]/(2%:R) invfM mulrA mulfV ?mul1r //; apply/eqP.
have cK : captured 1 K (const_mx 1 : 'rV[R]_2) = 2%:R^-1.
  by rewrite /captured fK sum2 !mxE /= mulr1n mulr0n expr1n expr0n addr0 mul1r.
split=> //.
- have := truncation_error 1 svdE; rewrite -/E => ->; rewrite /captured big_ord1 !mxE /= mulr1n expr1n.
  rewrite {2}EE frob2_svd // big_ord1 mxE expr1n divr1 subrr mulr0 //.
- split=> [||i|i j _|]; rewrite ?diag_const_mx ?trmx1 ?mul1mx ?mulmx1 //.
    by rewrite mxE ler01.
  by rewrite !mxE.
split=> //; rewrite bE cK; have n4 : (4%:R : R) = 2%:R * 2%:R by rewrite -natrM.
rewrite n4 half -invfM -n4.
have n4' : (4%:R : R) != 0 by rewrite pnatr_eq0.
by rewrite -{1}(mulfV n4') -[X in _ - X]mul1r -mulrBl; congr (_ / _); mring R.
Qed.

(* RR-4. (c) Conversely, rows on a circle in a plane: K has rank 2, so two
   singular values capture all of it and the mixed formula claims a perfect
   result, yet the residual has full rank and every rank-2 correction leaves an
   error.  K = 3 I - 11^T. *)
Theorem RR_4_c_circle_counterexample :
  let K : 'M[R]_3 := 3%:R *: 1%:M - const_mx 1 in
  [/\ (\rank K <= 2)%N, forall i, dot (row i K)^T (row i K)^T = 6%:R &
      forall B : 'M[R]_3, (\rank B <= 2)%N -> 0 < frob2 (K - row_code K - B)].
Proof.
move=> K.
have KE i j : K i j = 3%:R * (i == j)%:R - 1 by rewrite !mxE.
have n3 : (3%:R : R) <> 0 by apply/eqP; rewrite pnatr_eq0.
have h3 : 3%:R^-1 * 3%:R = 1 :> R by rewrite mulVf //; apply/eqP.
have h43 : 4%:R / 3%:R = 1 + 3%:R^-1 :> R.
  by rewrite (natrD R 3 1) mulrDl mul1r mulrC h3.
have three (F : 'I_3 -> R) : \sum_i F i = F 0 + F 1 + F (1 + 1).
  rewrite !big_ord_recl big_ord0 addr0 addrA.
  by congr (_ + F _ + F _); apply: val_inj.
have cases (i : 'I_3) : [\/ i = 0, i = 1 | i = 1 + 1].
  by case: i => [[|[|[|//]]]] hi; [constructor 1|constructor 2|constructor 3]; apply: val_inj.
have l1E i : l1 (row i K)^T = 4%:R.
  rewrite /l1 three; have e j : `|(row i K)^T j 0| = 1 + (i == j)%:R.
    rewrite !mxE; case: (i == j); last by rewrite mulr0 sub0r normrN1 addr0.
    have -> : 3%:R * true%:R - 1 = 2%:R :> R by rewrite /= mulr1n; mring R.
    by rewrite normr_nat /= mulr1n; mring R.
  by rewrite !e; case: (cases i) => -> /=; mring R.
have EE : K - row_code K = 3%:R^-1 *: (1%:M + const_mx 1).
  apply/matrixP => i j; rewrite mxE [X in _ + X]mxE KE !mxE l1E /sgn1 ?mxE.
  case: (i == j); last first.
    by rewrite mulr0 sub0r leNgt ltrN10 h43 /=; mring R.
  have -> : 0 <= 3%:R * 1 - 1 :> R by rewrite mulr1 subr_ge0 ler1n.
  rewrite h43; transitivity (1 - 3%:R^-1 : R); first by mring R.
  by rewrite -{1}h3; mring R.
have inv : (3%:R^-1 *: (1%:M + const_mx 1)) *m (3%:R *: (1%:M - 4%:R^-1 *: const_mx 1)) = 1%:M :> 'M[R]_3.
  rewrite -scalemxAl -scalemxAr scalerA mulVf ?scale1r; last exact/eqP.
  have cc : (const_mx 1 : 'M[R]_3) *m const_mx 1 = 3%:R *: const_mx 1 :> 'M[R]_3.
    apply/matrixP => i j; rewrite mxE (eq_bigr (fun=> 1)); last by move=> l _; rewrite !mxE mulr1.
    by rewrite sumr_const card_ord !mxE mulr1.
  rewrite mulmxDl mul1mx mulmxBr mulmx1 -scalemxAr cc.
  have n4 : (4%:R : R) <> 0 by apply/eqP; rewrite pnatr_eq0.
  have h4 : 4%:R^-1 * 4%:R = 1 :> R by rewrite mulVf //; apply/eqP.
  have aux (x t : R) : t * 4%:R = 1 -> x - t * 1 + (1 - t * (3%:R * 1)) = x.
    by move=> h; transitivity (x + (1 - t * 4%:R)); [mring R | rewrite h subrr addr0].
  by apply/matrixP => i j; rewrite !mxE; exact: aux.
split.
- have K1 : K *m (const_mx 1 : 'cV[R]_3) = 0.
    apply/matrixP => i j; rewrite mxE three !KE !mxE !mulr1.
    by case: (cases i) => -> /=; mring R.
  rewrite -ltnS ltn_neqAle rank_leq_row andbT; apply/negP => /eqP full.
  have uK : K \in unitmx by rewrite -row_free_unit -row_leq_rank full.
  have : const_mx 1 = 0 :> 'cV[R]_3 by rewrite -(mulKmx uK (const_mx 1)) K1 mulmx0.
  by move/matrixP/(_ 0 0); rewrite !mxE => /eqP; rewrite oner_eq0.
- by move=> i; rewrite /dot three !mxE; case: (cases i) => -> /=; mring R.
move=> B rB; rewrite lt_def; apply/andP; split; last first.
  by rewrite frob2_rows; apply: sumr_ge0 => i _; apply: dot_ge0.
apply/negP => /eqP /frob2_eq0 /eqP; rewrite subr_eq0 EE => /eqP EB.
have [uB _] := mulmx1_unit inv; rewrite EB in uB.
by move: rB; rewrite mxrank_unit.
Qed.

End Counterexamples.
