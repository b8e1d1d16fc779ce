(* Family GI: which changes of coordinates inside attention change nothing.    *)
From mathcomp Require Import all_ssreflect all_algebra all_fingroup.
From mathcomp.algebra_tactics Require Import ring.
From Routegauge Require Import Vectors.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Scores.
Variables (R : rcfType) (d : nat).
Implicit Types (q k : 'cV[R]_d) (A B M : 'M[R]_d).

(* GI-1. A query and a key turned by one orthogonal matrix keep their score. *)
Theorem GI_1_a_score_invariance A q k :
  orthogonal A -> (A *m q)^T *m (A *m k) = q^T *m k.
Proof. by move=> oA; rewrite trmx_mul mulmxA -(mulmxA q^T) oA mulmx1. Qed.

(* GI-1. The same with any invertible matrix on the key and its inverse transpose on the query. *)
Theorem GI_1_b_score_invariance_inverse_transpose M q k : M \in unitmx ->
  (invmx M^T *m q)^T *m (M *m k) = q^T *m k.
Proof.
by move=> uM; rewrite trmx_mul trmx_inv trmxK mulmxA -(mulmxA q^T) mulVmx ?mulmx1.
Qed.

(* GI-2. Linear changes A of queries and B of keys keep every score if and only if A^T B = I. *)
Theorem GI_2_a_score_gauge_group A B :
  (forall q k, (A *m q)^T *m (B *m k) = q^T *m k) <-> A^T *m B = 1%:M.
Proof.
split=> [inv|AB q k]; last by rewrite trmx_mul mulmxA -(mulmxA q^T) AB mulmx1.
apply/matrixP=> i j; have /matrixP/(_ 0 0) := inv (delta_mx i 0) (delta_mx j 0).
rewrite trmx_mul mulmxA -(mulmxA _ A^T) trmx_delta -rowE -colE mxE mxE => ->.
by rewrite -rowE !mxE eqxx andbT.
Qed.

(* GI-2. If both get the same matrix, it must be orthogonal (and orthogonal is enough). *)
Theorem GI_2_b_common_gauge_is_orthogonal A :
  (forall q k, (A *m q)^T *m (A *m k) = q^T *m k) <-> orthogonal A.
Proof. exact: GI_2_a_score_gauge_group. Qed.

(* GI-2. The pairs that keep every score are the inverse-transpose pairs of GL(d). *)
Theorem GI_2_c_score_gauge_is_GL A B :
  (forall q k, (A *m q)^T *m (B *m k) = q^T *m k) <-> B \in unitmx /\ A = invmx B^T.
Proof.
rewrite GI_2_a_score_gauge_group; split=> [AB|[uB ->]].
  have [uAt uB] := mulmx1_unit AB; split=> //; apply: trmx_inj.
  by rewrite trmx_inv trmxK -[LHS](mulmxK uB) AB mul1mx.
by rewrite trmx_inv trmxK mulVmx.
Qed.
End Scores.

Section HeadOutput.
Variables (R : rcfType) (d dv D N : nat).

(* The weights of one query over N keys: any function of the N scores. Softmax of scores over *)
(* sqrt d is one; nothing but the dependence on scores is used.                               *)
Variable weights : 'rV[R]_N -> 'I_N -> R.

Definition scores (q : 'cV[R]_d) (k : 'I_N -> 'cV[R]_d) : 'rV[R]_N :=
  \row_i ((k i)^T *m q) 0 0.

Definition head_output (q : 'cV[R]_d) (k : 'I_N -> 'cV[R]_d) (v : 'I_N -> 'cV[R]_dv) :=
  \sum_i weights (scores q k) i *: v i.

Lemma scores_gauge (M : 'M[R]_d) q k : M \in unitmx ->
  scores (invmx M^T *m q) (fun i => M *m k i) = scores q k.
Proof.
move=> uM; apply/rowP=> i; rewrite mxE [in RHS]mxE; congr (fun_of_matrix _ _ _).
by rewrite trmx_mul mulmxA -(mulmxA _ M^T) mulmxV ?unitmx_tr // mulmx1.
Qed.

(* GI-3. Change keys by M, queries by its inverse transpose, values by S, and undo S in the output *)
(* matrix: the output of the head is unchanged.                                                   *)
Theorem GI_3_head_output_invariance (M : 'M[R]_d) (S : 'M[R]_dv) (WO : 'M[R]_(D, dv)) q k v :
  M \in unitmx -> S \in unitmx ->
  (WO *m invmx S) *m head_output (invmx M^T *m q) (fun i => M *m k i) (fun i => S *m v i) =
  WO *m head_output q k v.
Proof.
move=> uM uS; rewrite -mulmxA; congr (_ *m _).
rewrite /head_output scores_gauge // mulmx_sumr; apply: eq_bigr => i _.
by rewrite -scalemxAr mulKmx.
Qed.

(* GI-5, exact part. Whatever is computed from the output of the head, the choice of experts of a *)
(* router further on included, is unchanged by the gauge.                                        *)
Theorem GI_5_a_routing_invariance (Choice : Type) (route : 'cV[R]_D -> Choice)
    (M : 'M[R]_d) (S : 'M[R]_dv) (WO : 'M[R]_(D, dv)) (h : 'cV[R]_D) q k v :
  M \in unitmx -> S \in unitmx ->
  route (h + (WO *m invmx S) *m
    head_output (invmx M^T *m q) (fun i => M *m k i) (fun i => S *m v i)) =
  route (h + WO *m head_output q k v).
Proof. by move=> uM uS; rewrite GI_3_head_output_invariance. Qed.
End HeadOutput.

Section SignedPermutations.
Variables (R : rcfType) (d : nat).

Definition signed_permutation (T : 'M[R]_d) :=
  exists (p : {perm 'I_d}) (e : 'cV[R]_d),
    pm1 e /\ T = \matrix_(i, j) (e i 0 *+ (j == p i)).

Lemma mul_signed_permutation (p : {perm 'I_d}) (e x : 'cV[R]_d) i :
  ((\matrix_(i, j) (e i 0 *+ (j == p i))) *m x) i 0 = e i 0 * x (p i) 0.
Proof.
rewrite mxE (bigD1 (p i)) //= mxE eqxx mulr1n big1 ?addr0 // => j jp.
by rewrite mxE (negPf jp) mul0r.
Qed.

(* GI-4. An orthogonal matrix keeps the 1-bit cosine of every vector if and only if it permutes *)
(* the coordinates up to signs.                                                                *)
Theorem GI_4_residual_gauge_signed_permutations (T : 'M[R]_d) : orthogonal T ->
  (forall k, k != 0 -> cosine (T *m k) = cosine k) <-> signed_permutation T.
Proof.
move=> oT; split=> [inv|[p [e [e1 ->]]] k k0]; last first.
  have abs i : `|((\matrix_(i, j) (e i 0 *+ (j == p i))) *m k) i 0| = `|k (p i) 0|.
    by rewrite mul_signed_permutation normrM (pm1_norm _ e1) mul1r.
  congr (_ / (_ * Num.sqrt _)); last rewrite !sqn_abs.
    by rewrite /l1 [RHS](reindex_perm p); apply: eq_bigr => i _; exact: abs.
  by rewrite [RHS](reindex_perm p); apply: eq_bigr => i _; rewrite abs.
pose col j : 'cV[R]_d := T *m unitv R j.
have colE i j : col j i 0 = T i j by exact: mul_unitv.
have sqn_col j : sqn (col j) = 1 by rewrite orth_sqn // sqn_unitv.
have l1_col j : l1 (col j) = 1.
  have := inv _ (unitv_neq0 R j); rewrite /cosine orth_l2 //.
  have k0 : Num.sqrt d%:R * l2 (unitv R j) != 0.
    by rewrite mulf_neq0 // ?l2_eq0 ?unitv_neq0 //; exact: lt0r_neq0 (sqrt_dim_gt0 (unitv_neq0 R j)).
  by move/(mulIf (invr_neq0 k0)); rewrite l1_unitv.
have single j i i' : i != i' -> T i j * T i' j = 0.
  by rewrite -!colE; apply: l1_sqr_sqn; rewrite l1_col sqn_col expr1n.
(* Rows of an orthogonal matrix are not zero, and two columns never share their row. *)
have row_ex i : exists j, T i j != 0.
  apply/existsP; apply: contraT => /existsPn Ti.
  have := congr1 (fun X : 'M_d => X i i) (orth_tr oT); rewrite mxE big1 => [|j _].
    by rewrite mxE eqxx => /eqP; rewrite eq_sym oner_eq0.
  by have := Ti j; rewrite negbK => /eqP->; rewrite mul0r.
pose f i := xchoose (row_ex i).
have fP i : T i (f i) != 0 := xchooseP (row_ex i).
have f_inj : injective f.
  move=> i i' ff; apply/eqP; apply: contraT => ii'.
  have /eqP := single (f i) i i' ii'; rewrite mulf_eq0 (negPf (fP i)) /= => /eqP Ti'.
  by have := fP i'; rewrite -ff Ti' eqxx.
have f_only i j : j != f i -> T i j = 0.
  move=> jf; have [i' jE] : exists i', j = f i'.
    by exists (invF f_inj j); rewrite f_invF.
  have ii' : i != i' by apply: contraNneq jf => ->; rewrite jE.
  have /eqP := single j i i' ii'; rewrite mulf_eq0 [X in _ || X](_ : _ = false).
    by rewrite orbF => /eqP.
  by rewrite jE; exact: negPf (fP _).
exists (perm f_inj), (\col_i T i (f i)); split=> [i|].
  have /eqP : T i (f i) ^+ 2 = 1.
    rewrite -(sqn_col (f i)) /sqn (bigD1 i) //= big1 => [|i' i'i].
      by rewrite addr0 colE.
    rewrite colE f_only ?expr0n //; apply: contraNneq i'i => /f_inj ->.
    exact: eqxx.
  by rewrite sqrf_eq1 mxE => /orP [] /eqP->; [left|right].
apply/matrixP=> i j; rewrite !mxE permE.
by case: eqVneq => [->|jf]; rewrite ?mulr1n ?mulr0n; last exact: f_only jf.
Qed.

(* The signed permutations are orthogonal, so the two sides of GI-4 speak of the same group. *)
Lemma signed_permutation_orthogonal (T : 'M[R]_d) : signed_permutation T -> orthogonal T.
Proof.
case=> p [e [e1 ->]]; apply: orth_mxE => i j.
rewrite (bigD1 ((p^-1)%g i)) //= !mxE permKV eqxx mulr1n big1 => [|k ki].
  by rewrite addr0 eq_sym; case: eqP => _; rewrite ?mulr1n ?mulr0n ?mulr0 // -expr2 (pm1_sqr _ e1).
rewrite !mxE; case: eqP => [ipk|_]; last by rewrite mulr0n mul0r.
by move: ki; rewrite ipk permK eqxx.
Qed.
End SignedPermutations.

Section TopK.
Variables (R : realFieldType) (E : nat).
Implicit Types (s : 'I_E -> R) (S : {set 'I_E}).

(* S is a set of k experts such that none outside has a larger score than one inside. *)
Definition is_topk s k S := #|S| = k /\ forall i j, i \in S -> j \notin S -> s j <= s i.

(* x is the k-th largest of the scores (k = 1 is the largest). *)
Definition kth_largest s k x :=
  (#|[set i | (x < s i)%R]| < k <= #|[set i | (x <= s i)%R]|)%N /\ exists i, x = s i.

(* GI-5, numerical part. If the computed scores t differ from s by at most eps, and the k-th and *)
(* the (k+1)-th largest score are more than 2 eps apart, then the top-k sets of t and s agree:   *)
(* both are the one set of experts that score at least as much as the k-th largest.              *)
Theorem GI_5_b_topk_stable_beyond_margin s t (eps a b : R) k :
  (forall i, `|t i - s i| <= eps) -> kth_largest s k a -> kth_largest s k.+1 b -> 2 * eps < a - b ->
  forall S, (is_topk t k S <-> is_topk s k S) /\ (is_topk s k S <-> S = [set i | a <= s i]).
Proof.
move=> near [/andP [_ a_ge] _] [/andP [b_lt _] _] margin.
have eps0 : (0 < E)%N -> 0 <= eps by move=> E0; apply: le_trans (near (Ordinal E0)).
pose S0 := [set i | a <= s i].
have sub : S0 \subset [set i | b < s i].
  apply/subsetP=> i; rewrite !inE; apply: lt_le_trans; rewrite -subr_gt0.
  by apply: le_lt_trans margin; rewrite mulr_ge0 ?ler0n // eps0 //; case: i => i; apply: leq_ltn_trans.
have card0 : #|S0| = k.
  by apply/eqP; rewrite eqn_leq a_ge andbT; apply: leq_trans (subset_leq_card sub) _.
have S0E : S0 = [set i | b < s i].
  by apply/eqP; rewrite eqEcard sub card0.
have in0 i : i \in S0 -> a <= s i by rewrite inE.
have out0 i : i \notin S0 -> s i <= b by rewrite S0E inE -leNgt.
(* Any scores that keep S0 strictly above the rest have S0 as their only top-k set. *)
have only u : (forall i j, i \in S0 -> j \notin S0 -> u j < u i) ->
    forall S, is_topk u k S <-> S = S0.
  move=> sep S; split=> [[cS top]|->]; last by split=> // i j iS jS; exact: ltW (sep _ _ iS jS).
  apply/eqP; rewrite eqEcard cS card0 leqnn andbT; apply/subsetP=> j jS.
  apply: contraT => j0.
  have /subsetPn [i iS0 iS] : ~~ (S0 \subset S).
    apply: contra j0 => S0S; suff -> : S0 = S by [].
    by apply/eqP; rewrite eqEcard S0S card0 cS leqnn.
  by have := sep i j iS0 j0; rewrite ltNge top.
have sep_s i j : i \in S0 -> j \notin S0 -> s j < s i.
  move=> /in0 ai /out0 jb; apply: le_lt_trans jb _; apply: lt_le_trans ai.
  rewrite -subr_gt0; apply: le_lt_trans margin; rewrite mulr_ge0 ?ler0n // eps0 //.
  by case: i => i; apply: leq_ltn_trans.
have sep_t i j : i \in S0 -> j \notin S0 -> t j < t i.
  move=> /in0 ai /out0 jb; have := near i; have := near j.
  rewrite !ler_norml => /andP [_ tj] /andP [ti _].
  rewrite -subr_gt0; have -> : t i - t j = (t i - s i) - (t j - s j) + (s i - s j) by ring.
  have sij : 2 * eps < s i - s j by apply: lt_le_trans margin _; exact: ler_sub.
  by have -> : 0 = (- eps - eps) + 2 * eps :> R by [ring]; exact: ler_lt_add (ler_sub ti tj) sij.
by move=> S; rewrite !only.
Qed.
End TopK.

Section Codec.
Variables (R : rcfType) (d : nat).

(* Rotate, quantise, rotate back. *)
Definition codec (M : 'M[R]_d) (Q : 'cV[R]_d -> 'cV[R]_d) k := invmx M *m Q (M *m k).

(* GI-6. With a quantiser that changes nothing the codec changes nothing, whatever invertible *)
(* matrix it uses; no later map needs to commute with it.                                     *)
Theorem GI_6_a_codec_is_legal (M : 'M[R]_d) (Q : 'cV[R]_d -> 'cV[R]_d) k :
  M \in unitmx -> (forall y, Q y = y) -> codec M Q k = k.
Proof. by move=> uM idQ; rewrite /codec idQ mulKmx. Qed.

(* GI-6. A later map F of the decoded key is a map F' of the code itself exactly when F' is *)
(* F after M^-1 on all codes: that form, and no other, is what folding has to provide.       *)
Theorem GI_6_b_folding_has_one_form (T : Type) (M : 'M[R]_d) (Q : 'cV[R]_d -> 'cV[R]_d)
    (F F' : 'cV[R]_d -> T) : M \in unitmx ->
  (forall k, F' (Q (M *m k)) = F (codec M Q k)) <->
  (forall y, F' (Q y) = F (invmx M *m Q y)).
Proof.
by move=> uM; split=> [fold y|fold k]; rewrite ?fold // -{1}(mulKVmx uM y) fold /codec mulKVmx.
Qed.

(* GI-6. With an orthogonal matrix the codec's error is the error of the quantiser. *)
Theorem GI_6_c_codec_error (A : 'M[R]_d) (Q : 'cV[R]_d -> 'cV[R]_d) k : orthogonal A ->
  sqn (k - codec A Q k) = sqn (A *m k - Q (A *m k)).
Proof.
move=> oA; rewrite -(orth_sqn (k - _) oA) mulmxBr /codec mulKVmx //.
exact: orth_unit.
Qed.
End Codec.
