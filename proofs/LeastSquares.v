(* KR-9: the part of the router logits that no linear key readout reaches. *)
From mathcomp Require Import all_ssreflect all_algebra all_fingroup.
From Routegauge Require Import FieldTactics InnerProduct Residual Projections KeyOnly.
From Routegauge Require Import IsotropicFloor.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section LeastSquares.
Variables (R : realFieldType) (m D E N : nat).
Implicit Types (K : 'M[R]_(m, D)) (A : 'M[R]_(E, D)) (B : 'M[R]_(E, m)).
Add Field ls_field : (mc_field_theory R).

(* What the keys leave of the covariance: S - S K^T (K S K^T)^+ K S. *)
Definition schur (S : 'M[R]_D) K (Sp : 'M[R]_m) : 'M[R]_D :=
  S - S *m K^T *m Sp *m K *m S.

Lemma least_squares K A B (L : 'M[R]_(D, N)) (Sp : 'M[R]_m) :
  let S := L *m L^T in
  (K *m S *m K^T) *m Sp *m (K *m S *m K^T) = K *m S *m K^T ->
  \tr (A *m schur S K Sp *m A^T) <= frob2 ((A - B *m K) *m L) /\
  frob2 ((A - A *m S *m K^T *m Sp *m K) *m L) = \tr (A *m schur S K Sp *m A^T).
Proof.
move=> S; have gramE : K *m S *m K^T = (K *m L) *m (K *m L)^T.
  by rewrite trmx_mul /S !mulmxA.
rewrite gramE => inner; set P := row_proj (K *m L) Sp.
have Psym : P^T = P := row_proj_sym inner.
have Pidem : P *m P = P := row_proj_idem inner.
have MP : K *m L *m P = K *m L := mul_row_proj inner.
have value : frob2 (A *m L *m (1%:M - P)) = \tr (A *m schur S K Sp *m A^T).
  rewrite frob2_proj_compl //; congr (\tr _); rewrite mulmxBr mulmx1 mulmxBl.
  by rewrite /schur /S mulmxBr mulmxBl /P /row_proj !trmx_mul !mulmxA.
have best B' : frob2 ((A - B' *m K) *m L) =
    \tr (A *m schur S K Sp *m A^T) + frob2 (A *m L *m P - B' *m (K *m L)).
  by rewrite -value -proj_best // mulmxBl !mulmxA.
rewrite !best ler_addl frob2_ge0; split=> //.
rewrite (_ : _ - _ = 0) ?/frob2 ?mul0mx ?mxtrace0 ?addr0 //; apply/eqP; rewrite subr_eq0.
by rewrite /P /row_proj /S trmx_mul !mulmxA.
Qed.

End LeastSquares.

Section Residue.
Variables (R : rcfType) (m D E : nat).
Variables (W : finType) (p : W -> R) (u : W -> 'cV[R]_D).
Hypothesis p_ge0 : forall w, 0 <= p w.
Variables (K : 'M[R]_(m, D)) (G : 'M[R]_(E, D)).
Add Field residue_field : (mc_field_theory R).

(* The covariance of the (centred) input u, a finite law with weights p. *)
Definition covariance : 'M[R]_D := \sum_w p w *: (u w *m (u w)^T).

(* Columns sqrt(p) u: a square root of the covariance. *)
Definition sample : 'M[R]_(D, #|W|) :=
  \matrix_(i, j) (Num.sqrt (p (enum_val j)) * u (enum_val j) i 0).

Lemma col_sample j : col j sample = Num.sqrt (p (enum_val j)) *: u (enum_val j).
Proof. by apply/colP => i; rewrite !mxE. Qed.

Lemma sample_energy q (A : 'M[R]_(q, D)) :
  frob2 (A *m sample) = \sum_w p w * dot (A *m u w) (A *m u w).
Proof.
rewrite -frob2_tr frob2_rows (reindex (@enum_val W W)); last first.
  by apply: onW_bij; apply: enum_val_bij.
apply: eq_bigr => j _.
rewrite -tr_col trmxK colE -mulmxA -colE col_sample -scalemxAr dotZl dotZr mulrA.
by rewrite -expr2 sqr_sqrtr.
Qed.

Lemma sample_gram : sample *m sample^T = covariance.
Proof.
apply/matrixP => a b; rewrite mxE summxE (reindex (@enum_val W W)) /=; last first.
  by apply: onW_bij; apply: enum_val_bij.
apply: eq_bigr => j _.
rewrite !mxE big_ord1 !mxE mulrACA; congr (_ * _).
by rewrite -expr2 sqr_sqrtr.
Qed.

(* Mean squared error of a linear key readout B of the centred logits. *)
Definition readout_error (B : 'M[R]_(E, m)) : R :=
  let e w := centering R E *m G *m u w - B *m (K *m u w) in
  \sum_w p w * dot (e w) (e w).

Definition logit_variance : R :=
  \sum_w p w * dot (centering R E *m G *m u w) (centering R E *m G *m u w).

(* KR-9. (a) The least mean squared error of a linear key readout is the trace of
   the Schur complement of the covariance between the centred router's rows,
   attained by the readout C G S K^T (K S K^T)^+.  Any inner inverse serves for
   the pseudo-inverse. *)
Theorem KR_9_a_least_squares (Sp : 'M[R]_m) :
  let S := covariance in let A := centering R E *m G in
  (K *m S *m K^T) *m Sp *m (K *m S *m K^T) = K *m S *m K^T ->
  (forall B, \tr (A *m schur S K Sp *m A^T) <= readout_error B) /\
  readout_error (A *m S *m K^T *m Sp) = \tr (A *m schur S K Sp *m A^T).
Proof.
move=> S A inner.
have err B : readout_error B = frob2 ((A - B *m K) *m sample).
  rewrite sample_energy; apply: eq_bigr => w _.
  by rewrite /= (mulmxBl A (B *m K)) !mulmxA.
have inner' := inner; rewrite /S -sample_gram in inner'.
split=> [B|]; rewrite err; have := least_squares A _ inner'.
  by move/(_ B) => -[h _]; move: h; rewrite sample_gram.
by move/(_ 0) => -[_ h]; move: h; rewrite sample_gram.
Qed.

(* KR-9. (b) Its share of the logit variance is 1 - R^2, R^2 the variance of the
   best readout over that of the logits. *)
Theorem KR_9_b_share_is_one_minus_r2 (Sp : 'M[R]_m) :
  let S := covariance in let A := centering R E *m G in
  (K *m S *m K^T) *m Sp *m (K *m S *m K^T) = K *m S *m K^T -> logit_variance != 0 ->
  let B := A *m S *m K^T *m Sp in
  \tr (A *m schur S K Sp *m A^T) / \tr (A *m S *m A^T) =
  1 - (\sum_w p w * dot (B *m (K *m u w)) (B *m (K *m u w))) / logit_variance.
Proof.
move=> S A inner v0 B.
have varE : logit_variance = \tr (A *m S *m A^T).
  transitivity (frob2 (A *m sample)); first by rewrite sample_energy.
  by rewrite /frob2 /S -sample_gram (trmx_mul A sample) !mulmxA.
have expl : \sum_w p w * dot (B *m (K *m u w)) (B *m (K *m u w)) = frob2 (B *m K *m sample).
  by rewrite sample_energy; apply: eq_bigr => w _; rewrite (mulmxA B K).
have gramE : (K *m sample) *m (K *m sample)^T = K *m S *m K^T.
  by rewrite trmx_mul -mulmxA (mulmxA sample) sample_gram mulmxA.
have innerM : K *m sample *m (K *m sample)^T *m Sp *m (K *m sample *m (K *m sample)^T) =
    K *m sample *m (K *m sample)^T by rewrite gramE.
set P := row_proj (K *m sample) Sp.
have Psym : P^T = P := row_proj_sym innerM.
have Pidem : P *m P = P := row_proj_idem innerM.
have fit : B *m K *m sample = A *m sample *m P.
  by rewrite /B /P /row_proj /S -sample_gram trmx_mul !mulmxA.
have left : \tr (A *m schur S K Sp *m A^T) = frob2 (A *m sample *m (1%:M - P)).
  have inner2 := inner; rewrite /S -sample_gram in inner2.
  rewrite /S -sample_gram; have [_ <-] := least_squares A 0 inner2.
  by rewrite sample_gram -/S -/B mulmxBr mulmx1 (mulmxBl A (B *m K)) fit.
have total : logit_variance = frob2 (A *m sample) by rewrite sample_energy.
rewrite expl fit left -varE; apply: (mulIf v0); rewrite mulrBl mul1r !divfK //.
by rewrite total (frob2_proj_split Psym Pidem (A *m sample)) addrAC subrr add0r.
Qed.

End Residue.

Section Isotropic.
Variables (R : rcfType) (m D E : nat) (K : 'M[R]_(m, D)) (Sp : 'M[R]_m).
Hypothesis inner : (K *m K^T) *m Sp *m (K *m K^T) = K *m K^T.
Implicit Types A : 'M[R]_(E, D).
Add Field isotropic_field : (mc_field_theory R).

(* P_K, the orthogonal projection on the row space of the keys. *)
Definition key_proj : 'M[R]_D := row_proj K Sp.

Lemma key_proj_sym : key_proj^T = key_proj. Proof. exact: row_proj_sym. Qed.
Lemma key_proj_idem : key_proj *m key_proj = key_proj. Proof. exact: row_proj_idem. Qed.

(* The share of the energy of A that the keys do not see. *)
Definition unseen A : R := frob2 (A *m (1%:M - key_proj)) / frob2 A.

(* KR-9. (c) For white inputs (covariance I) the residue is the energy of the
   router outside the row space of the keys. *)
Theorem KR_9_c_white_inputs A :
  \tr (A *m schur 1%:M K Sp *m A^T) / \tr (A *m 1%:M *m A^T) = unseen A.
Proof.
rewrite /unseen (frob2_proj_compl key_proj_sym key_proj_idem) /schur mulmx1 /frob2.
by rewrite !mul1mx !mulmx1.
Qed.

(* KR-9. (d) With a singular value decomposition A = U s V^T it is the average of
   the squared sines sin^2 = |(I - P) v_i|^2 of the angles between the right
   singular vectors and the row space of the keys, weighted by s_i^2. *)
Theorem KR_9_d_principal_angles r (U : 'M[R]_(E, r)) s (V : 'M[R]_(D, r)) A :
  svd A U s V ->
  let v i := (1%:M - key_proj) *m col i V in
  unseen A = (\sum_i s 0 i ^+ 2 * dot (v i) (v i)) / (\sum_i s 0 i ^+ 2) /\
  forall i, 0 <= dot (v i) (v i) <= 1.
Proof.
case=> hU hV _ _ AE v.
have VV i : dot (col i V) (col i V) = 1.
  have := congr1 (fun X : 'M_r => X i i) hV; rewrite !mxE eqxx mulr1n => <-.
  by apply: eq_bigr => l _; rewrite !mxE.
split=> [|i].
  rewrite /unseen {2}AE frob2_svd //; congr (_ / _).
  have -> : A *m (1%:M - key_proj) = U *m (diag_mx s *m V^T *m (1%:M - key_proj)).
    by rewrite AE !mulmxA.
  rewrite frob2_iso // frob2_rows; apply: eq_bigr => i _; rewrite -mulmxA row_mul row_diag_mx.
  rewrite -scalemxAl -rowE linearZ /= dotZl dotZr mulrA -expr2; congr (_ * dot _ _).
    by rewrite row_mul trmx_mul -tr_col trmxK (proj_compl_sym key_proj_sym).
  by rewrite row_mul trmx_mul -tr_col trmxK (proj_compl_sym key_proj_sym).
rewrite dot_ge0 /=; set x := col i V.
have := dot_ge0 (key_proj *m x); rewrite dot_mulmxl key_proj_sym mulmxA key_proj_idem => h.
rewrite /v dot_mulmxl (proj_compl_sym key_proj_sym) mulmxA.
rewrite (proj_compl_idem key_proj_idem) mulmxBl mul1mx dotBr VV.
by rewrite ler_subl_addr ler_addl.
Qed.

(* KR-9. (e) The null: if the router's row products, divided by its energy, average
   to I/D (any law of routers without preferred input directions, weights q), the
   mean unseen share is 1 - rank K / D, i.e. 1 - m/D for independent keys. *)
Theorem KR_9_e_null_of_isotropic_router (Om : finType) (q : Om -> R) (A : Om -> 'M[R]_(E, D)) :
  (0 < D)%N -> \sum_w (q w / frob2 (A w)) *: ((A w)^T *m A w) = D%:R^-1%:M ->
  \sum_w q w * unseen (A w) = 1 - (\rank K)%:R / D%:R.
Proof.
move=> D0 iso; have Dn : D%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
transitivity (\tr ((1%:M - key_proj) *m \sum_w (q w / frob2 (A w)) *: ((A w)^T *m A w))).
  rewrite mulmx_sumr raddf_sum; apply: eq_bigr => w _ /=.
  rewrite -scalemxAr mxtraceZ mxtrace_mulC /unseen mulrA mulrAC; congr (_ * _).
  rewrite (frob2_proj_compl key_proj_sym key_proj_idem) -mulmxA mxtrace_mulC.
  by rewrite mxtrace_mulC -!mulmxA mxtrace_mulC mulmxA.
rewrite iso mul_mx_scalar mxtraceZ raddfB /= mxtrace1 (row_proj_trace inner) mulrBr.
by rewrite mulVf // mulrC.
Qed.

(* The router with its input coordinates permuted by t and some of them negated. *)
Definition shuffled A (w : pattern D * {perm 'I_D}) : 'M[R]_(E, D) :=
  \matrix_(i, a) (sgnb R (w.1 a) * A i (w.2 a)).

Lemma shuffled_energy A w : frob2 (shuffled A w) = frob2 A.
Proof.
rewrite !frob2E; apply: eq_bigr => i _; rewrite [RHS](reindex_inj (@perm_inj _ w.2)).
by apply: eq_bigr => a _; rewrite mxE exprMn [sgnb _ _ ^+ 2]expr2 sgnb_sqr mul1r.
Qed.

Lemma perm_mean (f : 'I_D -> R) a :
  D%:R * (\sum_(t : {perm 'I_D}) f (t a)) = (D`!)%:R * \sum_b f b.
Proof.
have const b : \sum_(t : {perm 'I_D}) f (t b) = \sum_(t : {perm 'I_D}) f (t a).
  rewrite (reindex_inj (mulgI (tperm b a))) /=; apply: eq_bigr => t _.
  by rewrite permM tpermL.
transitivity (\sum_b \sum_(t : {perm 'I_D}) f (t b)).
  by rewrite (eq_bigr _ (fun b _ => const b)) sumr_const card_ord mulr_natl.
rewrite exchange_big /= (eq_bigr (fun=> \sum_b f b)) => [|t _].
  by rewrite sumr_const -[in RHS]card_Sn mulr_natl.
by rewrite [RHS](reindex_inj (@perm_inj _ t)).
Qed.

(* KR-9. (f) A finite instance of the null: any router, averaged over all
   permutations and sign changes of its input coordinates. *)
Theorem KR_9_f_null_of_shuffled_router A : A != 0 -> (0 < D)%N ->
  (\sum_(w : pattern D * {perm 'I_D}) unseen (shuffled A w)) / #|{: pattern D * {perm 'I_D}}|%:R =
  1 - (\rank K)%:R / D%:R.
Proof.
move=> A0 D0; set n := #|_|; have Dn : D%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
have F0 : frob2 A != 0 by rewrite gt_eqF // frob2_gt0.
have fn : (D`!)%:R != 0 :> R by rewrite pnatr_eq0 -lt0n fact_gt0.
have nE : n%:R = #|{: pattern D}|%:R * (D`!)%:R :> R.
  by rewrite /n card_prod natrM card_Sn.
have pn := card_pattern_neq0 R D.
rewrite mulr_suml (eq_bigr (fun w => n%:R^-1 * unseen (shuffled A w))); last first.
  by move=> w _; rewrite mulrC.
apply: KR_9_e_null_of_isotropic_router => //; apply/matrixP => a b.
rewrite summxE !mxE.
have ent w : ((shuffled A w)^T *m shuffled A w) a b =
    (sgnb R (w.1 a) * sgnb R (w.1 b)) * \sum_i A i (w.2 a) * A i (w.2 b).
  by rewrite mxE mulr_sumr; apply: eq_bigr => i _; rewrite !mxE mulrACA.
transitivity ((n%:R * frob2 A)^-1 * ((\sum_(e : pattern D) sgnb R (e a) * sgnb R (e b)) *
    \sum_(t : {perm 'I_D}) \sum_i A i (t a) * A i (t b))).
  rewrite big_distrlr pair_bigA mulr_sumr; apply: eq_bigr => w _.
  by rewrite mxE ent shuffled_energy invfM.
have -> : \sum_(e : pattern D) sgnb R (e a) * sgnb R (e b) =
    #|{: pattern D}|%:R * (a == b)%:R.
  by rewrite -(average_sign2 R a b) /average mulrC divfK.
have [->|ab] := eqVneq a b; last by rewrite mulr0 mul0r mulr0 mulr0n.
rewrite mulr1 mulr1n nE exchange_big /=.
have -> : \sum_i \sum_(t : {perm 'I_D}) A i (t b) * A i (t b) = (D`!)%:R * frob2 A / D%:R.
  apply: (mulfI Dn); rewrite mulr_sumr [RHS]mulrC divfK // frob2E [RHS]mulr_sumr.
  apply: eq_bigr => i _; rewrite (perm_mean (fun c => A i c * A i c)).
  by congr (_ * _).
have aux (x y z d : R) : x != 0 -> y != 0 -> z != 0 -> d != 0 ->
    (y * z * x)^-1 * (y * (z * x / d)) = d^-1.
  by move=> x0 y0 z0 dn; mfield R; repeat split; apply/eqP.
exact: aux F0 pn fn Dn.
Qed.

End Isotropic.
